/** Runs programs on the node of the demo. */
export interface NodeCommands {
  run(program: string, args: readonly string[]): Promise<{ readonly stdout: string }>
}

/** A port of a Service whose traffic is counted. */
export interface CountedPort {
  readonly clusterIP: string
  readonly port: number
  readonly protocol: 'TCP' | 'UDP'
}

/** How the proxy's log shows that a change of the demo is served. */
export interface SyncSigns {
  /** `-v` of the proxy: with this much the signs are in its log. */
  readonly verbosity: number
  /** A change of endpoints is served when the log shows them; else when the kernel was written to after the change. */
  readonly endpointsAreLogged: boolean
  /** The log line of a write to the kernel that changed something. */
  readonly kernelWritten: RegExp
}

/** What a learner is told of one mode, and what has to come true in it. The events are the same in all. */
export interface ModeWalkthrough {
  /** Where the cluster IP is, to go on after "the cluster IP 10.96.0.10". */
  readonly clusterIPText: string
  /** How packets are led, before the rules are shown. */
  readonly rulesText: string
  /** The command that shows them, and, in `show`, what it prints. */
  readonly rulesCommand: string
  readRules(node: NodeCommands): Promise<string>
  /** How many connections or flows to a Service's port were counted on the way that they have to take. */
  readCount(node: NodeCommands, port: CountedPort): Promise<number>
  /** How long it may take until counters show what has happened, in milliseconds. */
  readonly counterDelayMs: number
  /** What is to be known of the counters. */
  readonly counterText: string
  /** What it is that has counted, in a sentence that goes on with "has counted 9 …". */
  readonly counterName: string
  /** Who chooses the Pod, and how. */
  readonly balancingText: string
  /** Whether Pods answer in turn, so that each answers as many as any other, give or take one. */
  readonly isRoundRobin: boolean
  /** What a Pod sees of its client, and why. */
  readonly clientAddressText: string
  /** What happens with a request to a Pod that has died and is still listed, and whether such a request can be lost. */
  readonly deadPodText: string
  readonly losesRequestsToDeadPods: boolean
  /** What a change of endpoints has changed on the node, and whether it is the rules. */
  readonly scaleUpText: string
  readonly scaleUpChangesRules: boolean
  /** What is there for a Service without endpoints. */
  readonly noEndpointsText: string
  /** UDP, after "There are no connections in UDP:". */
  readonly udpText: string
  /** More to try, for a learner with a terminal: what it shows, and the command to run on the node. */
  readonly suggestions: readonly (readonly [what: string, command: string])[]
  readonly syncSigns: SyncSigns
}
