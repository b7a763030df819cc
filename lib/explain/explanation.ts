/** The version of the JSON form. A field may be added to it; none is removed or changes its meaning. */
export const EXPLANATION_VERSION = 'explain.kube-proxy-node/v1'

/** The addresses of a packet: `10.244.0.2`, or with a port where it is known. */
export interface PacketEnds {
  readonly source: string
  readonly destination: string
}

/** One step of a packet on its way. */
export interface ExplainedStep {
  readonly kind: 'rule' | 'policy' | 'route' | 'virtual-server' | 'listener' | 'pick' | 'connection'
  /** Where in the kernel; null for what is not a rule. */
  readonly hook: string | null
  readonly table: string | null
  readonly chain: string | null
  /** The number of the rule in its chain, from 1. */
  readonly position: number | null
  /** The rule as `iptables-save` prints it. */
  readonly rule: string | null
  /** What the kernel has counted at the rule; null: not known. */
  readonly packets: number | null
  readonly bytes: number | null
  readonly sentence: string
  /** The packet before and after, if the step changes its addresses. */
  readonly before: PacketEnds | null
  readonly after: PacketEnds | null
  /** Whether it cannot be known that the rule applies. */
  readonly isAssumed: boolean
}

/** How the way of a packet ends. */
export type WayEnd =
  /** At an endpoint of a Service. */
  | 'endpoint'
  /** At a proxy port of the node, whose endpoints are not known. */
  | 'proxy-port'
  /** At the node itself, at no address of a Service. */
  | 'node'
  /** At another host, at no address of a Service. */
  | 'elsewhere'
  | 'dropped'
  | 'refused'
  /** The proxy accepts the connection, and ends it at once. */
  | 'reset'
  | 'unknown'

/** One way that a packet may take. */
export interface ExplainedWay {
  readonly end: WayEnd
  /** The probability of this way, as far as the kernel chooses at random; of endpoints that take turns, their share. */
  readonly odds: number
  /** `10.244.0.5:8080`, if it ends at an endpoint. */
  readonly endpoint: string | null
  /** The client's address that the endpoint sees; null if the packet arrives nowhere, or if it is not known. */
  readonly sourceSeen: string | null
  /** Whether that is the address of the client. */
  readonly seesClient: boolean
  /** What the way takes for true because it cannot be known, as sentences. */
  readonly assumptions: readonly string[]
  readonly steps: readonly ExplainedStep[]
  /** How the answer comes back, as sentences. */
  readonly wayBack: readonly string[]
}

/** What the sockets of a running proxy know of one endpoint. */
export interface LiveCandidate {
  /** Connections and flows to it now, of all clients. */
  readonly open: number
  /** The processes that give it no new clients for a while, because it has just failed there. */
  readonly ejected: readonly { readonly worker: number | null; readonly msAgo: number; readonly forMs: number }[]
  /** The processes that give it to the next new client that comes to them, by the numbers of workers; null: the control process. */
  readonly nextIn: readonly (number | null)[]
}

/** One entry of an EndpointSlice, and why it is a candidate or not. */
export interface ExplainedCandidate {
  readonly address: string
  readonly slice: string
  readonly isUsed: boolean
  readonly reason: string
  /** Words that follow "the endpoint is". */
  readonly text: string
  /** The probability that this packet goes to it. */
  readonly odds: number
  /** Null: no socket of a running proxy has been asked about it. */
  readonly live: LiveCandidate | null
}

/** The endpoint that the client keeps by session affinity. */
export interface KeptByAffinity {
  readonly endpoint: string
  /** How long ago the client opened its last connection. */
  readonly usedSecondsAgo: number
  /** When it ends if the client opens no further one. */
  readonly endsInSeconds: number
}

/** One process of the proxy that holds a socket. */
export interface ExplainedProcess {
  readonly pid: number
  /** Null: the control process. */
  readonly worker: number | null
  /** Without endpoints the socket is closed. */
  readonly isListening: boolean
  /** Connections and flows that are open now. */
  readonly open: number
}

/** The socket of the proxy that takes the client. */
export interface ExplainedListener {
  readonly address: string
  readonly port: number
  readonly protocol: string
  /** Empty: no running proxy has been asked. */
  readonly processes: readonly ExplainedProcess[]
}

/** The Service that a packet is for. */
export interface ExplainedService {
  /** `default/web:http`. */
  readonly name: string
  readonly protocol: string
  /** `cluster IP`, `node port` … */
  readonly addressKind: string
  /** `cluster`: all endpoints may serve the packet; `local`: those of this node. */
  readonly traffic: 'cluster' | 'local'
  readonly policy: string
  /** Seconds that a client keeps its endpoint; null: no session affinity. */
  readonly affinitySeconds: number | null
  readonly affinity: string
  /** Null: the client keeps no endpoint, or it is not known which. */
  readonly kept: KeptByAffinity | null
  /** How the endpoint of a new connection is picked. */
  readonly balancing: string
  readonly candidates: readonly ExplainedCandidate[]
}

/** The whole way of one packet, for people and programs. */
export interface Explanation {
  readonly apiVersion: typeof EXPLANATION_VERSION
  /** The version of the program that explains. */
  readonly version: string
  readonly mode: string
  /** `kernel`: the rules that this node has now; `plan`: those that the mode would write for the manifests. */
  readonly rules: 'kernel' | 'plan'
  /** The running proxy that has answered; null: none was asked. */
  readonly proxy: { readonly pid: number } | null
  readonly node: { readonly name: string; readonly addresses: readonly string[]; readonly assumed: readonly string[] }
  readonly from: {
    readonly kind: 'pod' | 'node' | 'outside'
    readonly address: string
    readonly interface: string | null
    readonly text: string
  }
  readonly to: { readonly address: string; readonly port: number; readonly protocol: string; readonly text: string }
  /** What happens, in one sentence. */
  readonly answer: string
  /** Null: no Service has the address, or no object is known. */
  readonly service: ExplainedService | null
  /** Null: no socket of the proxy takes the packet, or none is known. */
  readonly listener: ExplainedListener | null
  /** The steps that all ways have in common. */
  readonly steps: readonly ExplainedStep[]
  /** What comes after them: one way for each result of a choice. */
  readonly ways: readonly ExplainedWay[]
  readonly notes: readonly string[]
}
