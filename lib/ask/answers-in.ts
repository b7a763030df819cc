/** What a Pod of the demo says about itself and its client. */
export interface PodAnswer {
  readonly pod: string
  readonly client: string
}

/** The answers of Pods in the output of `curl`. */
export function answersIn(output: string): readonly PodAnswer[] {
  return [...output.matchAll(/This is Pod (\S+) .*? request from ([^\s]+)\.$/gm)].map(([, pod = '', client = '']) => ({
    pod,
    client,
  }))
}
