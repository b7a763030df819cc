import { type DemoService, type Pod } from '../demo/cluster-objects.js'

/** Where a command runs: on the node, in the client Pod, on a host outside the cluster, or in another Pod. */
export type Place = 'node' | 'client' | 'outside' | Pod

/** A command, and what it has printed. */
export interface Ran {
  /** `node`, `client`, `outside`, the name of a Pod, or `cluster` for what kubectl does. */
  readonly where: string
  /** The command as a user would type it there. */
  readonly command: string
  readonly output: string
  readonly exitCode: number
  /** Whether the lab has done something else that has this effect. */
  readonly isLever?: boolean
}

/** A command that still runs. */
export interface Running {
  /** What it has printed so far. */
  soFar(): Ran
  /** Ends it, if it has not ended. */
  stop(): Promise<void>
  /** Its end. */
  readonly ended: Promise<Ran>
}

/** What experiments do with the cluster: look, send requests, and pull levers. */
export interface Lab {
  readonly nodeIP: string
  readonly clientIP: string
  readonly outsideIP: string
  /** The name of the node in EndpointSlices. */
  readonly nodeName: string
  /** The Service and its Pods as they are now. */
  readonly service: DemoService
  readonly pods: readonly Pod[]
  /** Those whose program was killed; the cluster has not noticed yet. */
  readonly deadPods: readonly Pod[]
  /** The DNS of the cluster. */
  readonly dnsService: DemoService
  /**
   * Makes the cluster what it was at its start: userspace mode, the Service of the example, three live Pods. Ends programs that still run,
   * and undoes what `undoLater` has taken.
   */
  reset(): Promise<void>
  /**
   * Takes what undoes a change that no other method has made, such as a rule. If the experiment fails before it undoes the change, reset()
   * does; the last one first.
   * @returns undoes it now, unless that has been done
   */
  undoLater(undo: () => Promise<unknown>): () => Promise<void>
  /** Runs a program. Any exit code is a result. */
  run(where: Place, program: string, ...args: readonly string[]): Promise<Ran>
  /** Runs a line of a shell. */
  shell(where: Place, line: string): Promise<Ran>
  /** Runs a line of a shell in the client Pod, with the `/etc/resolv.conf` that the kubelet writes for Pods. */
  podShell(line: string): Promise<Ran>
  /** Asks the proxy: `kube-proxy status …`. */
  status(...words: readonly string[]): Promise<Ran>
  /** Whether the node supports a mode: `kube-proxy check` ends with 0. */
  check(mode: string): Promise<Ran>
  /** Starts a program that does not end at once; reset() ends it. */
  start(where: Place, program: string, ...args: readonly string[]): Running
  /** Looks again until what it sees is as wanted. @throws Error if it does not become so */
  until(isWanted: (ran: Ran) => boolean, look: () => Promise<Ran>): Promise<Ran>
  /** Levers. Each resolves when the proxy serves the change, with the command that does the same in a real cluster. */
  scale(replicas: number): Promise<Ran>
  changeService(change: Partial<DemoService>, command: string): Promise<Ran>
  /** Kills the program of a Pod; the cluster has not noticed yet. */
  kill(pod: Pod): Promise<Ran>
  /** The readiness probe of a Pod fails, or succeeds again. */
  setReady(pod: Pod, isReady: boolean): Promise<Ran>
  /** The cluster notices: the endpoint of a Pod that was killed goes, and a new Pod comes. */
  replace(pod: Pod): Promise<Ran>
  /** The mode of the proxy, and another one. */
  readonly mode: string
  /** @param env more environment variables for the proxy */
  setMode(mode: string, env?: Readonly<Record<string, string>>): Promise<Ran>
  stopProxy(signal: 'SIGKILL' | 'SIGTERM'): Promise<Ran>
}
