/** Runs programs on the node of the demo. */
export interface NodeCommands {
  run(program: string, args: readonly string[]): Promise<{ readonly stdout: string }>
}

/** A port of a Service whose packets the kernel counts. */
export interface CountedPort {
  readonly clusterIP: string
  readonly port: number
  readonly protocol: 'TCP' | 'UDP'
}

/** How the log of the proxy shows that the proxy serves a change. */
export interface SyncSigns {
  /** The value of `-v` with which the log contains these lines. */
  readonly verbosity: number
  /** True if the proxy logs endpoints when it serves them. Otherwise a change is served after the next write to the kernel. */
  readonly endpointsAreLogged: boolean
  /** Log lines after a change of a Service that concerns rules, in this order: after the last one the kernel has them. */
  readonly served: readonly RegExp[]
}

/** What the demo explains about one mode, and what it expects in that mode. The steps are the same in all modes. */
export interface ModeWalkthrough {
  /** Where the ClusterIP is; follows a sentence that names it. */
  readonly clusterIPText: string
  /** How packets reach a Pod; printed before the rules. */
  readonly rulesText: string
  /** The command that lists the rules, as a user would type it on the node. */
  readonly rulesCommand: string
  /** What that command prints on the node, possibly shortened. */
  readRules(node: NodeCommands): Promise<string>
  /** How many connections or flows the kernel has counted for a port of a Service. */
  readCount(node: NodeCommands, port: CountedPort): Promise<number>
  /** How long it can take until counters show what has happened, in milliseconds. */
  readonly counterDelayMs: number
  /** How the kernel counts. */
  readonly counterText: string
  /** What has the counter, as the subject of "… for 10.96.0.10 counted 9 connections". */
  readonly counterName: string
  /** Who picks the Pod, and how. */
  readonly balancingText: string
  /** Whether the Pods take turns, so that the numbers of their answers differ by at most one. */
  readonly isRoundRobin: boolean
  /** Which client address a Pod sees, and why. */
  readonly clientAddressText: string
  /** What happens to a request for a Pod that is dead and still listed. */
  readonly deadPodText: string
  /** Whether such a request can fail. */
  readonly losesRequestsToDeadPods: boolean
  /** What a change of the endpoints has changed on the node. */
  readonly scaleUpText: string
  /** Whether it has changed the rules in the table nat. */
  readonly scaleUpChangesRules: boolean
  /** What a Service without endpoints does. */
  readonly noEndpointsText: string
  /** What a flow is; follows "UDP has no connections:". */
  readonly udpText: string
  /** More commands to run on the node, with what each one shows. */
  readonly suggestions: readonly (readonly [what: string, command: string])[]
  /** How the demo sees in the log that the proxy serves a change. */
  readonly syncSigns: SyncSigns
}
