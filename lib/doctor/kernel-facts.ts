import { type IpAddress } from '../model/address.js'
import { type Protocol } from '../model/protocol.js'
import { type FrontendKind } from '../frontends/frontend.js'

/** A rule of the kernel, as proof. */
export interface FoundRule {
  readonly table: string
  readonly chain: string
  /** Its place in its chain, from 1; undefined: it is the policy of the chain. */
  readonly position: number | undefined
  /** As iptables-save prints it; of a policy, words. */
  readonly rule: string
  /** What it does, in words. */
  readonly sentence: string
  /** Undefined: the kernel does not say. */
  readonly packets: number | undefined
  /** Whether it does that to the packets of each sender, as far as the rules of its hook show it. */
  readonly isForAll: boolean
}

/** What happens to the first packet of a connection. */
export type WalkOutcome =
  /** Rules of the proxy, or a virtual server, lead it to one of these. */
  | { readonly kind: 'served'; readonly to: readonly string[] }
  /** No rule translates its destination. */
  | { readonly kind: 'untranslated' }
  /** A rule of another program takes it before those of the proxy see it. */
  | { readonly kind: 'taken'; readonly rule: FoundRule }
  | {
      readonly kind: 'stopped'
      readonly how: 'dropped' | 'refused'
      /** Whether a rule of the proxy does that. */
      readonly isOwn: boolean
      readonly rule: FoundRule
    }
  /** Only the kernel knows. */
  | { readonly kind: 'unknown'; readonly why: string }

/** One packet to one address of the Service. */
export interface ServiceWalk {
  readonly from: 'pod' | 'node' | 'outside'
  readonly source: IpAddress
  /** Words for the sender: `Pod 10.244.0.2 of this node`. */
  readonly sender: string
  readonly kind: FrontendKind
  readonly address: IpAddress
  readonly port: number
  readonly protocol: Protocol
  readonly portName: string
  /** Of a node port: whether it is the main address of the node, and not a further one. */
  readonly isMain: boolean
  /** Of an address with source ranges: whether the sender is in them; undefined: there are none, or they are not known. */
  readonly isInRanges: boolean | undefined
  /** Whether the address lets in only clients of the source ranges. */
  readonly isLimited: boolean
  readonly outcome: WalkOutcome
}

/** A connection of the node to one endpoint. */
export interface EndpointWalk {
  readonly address: string
  readonly outcome: WalkOutcome
}

/** The clients that an endpoint has by session affinity, where the kernel remembers them. */
export interface KernelAffinity {
  readonly portName: string
  readonly endpoint: string
  readonly clients: readonly IpAddress[]
  /** Connections that the rule of the endpoint has counted. */
  readonly connections: number
}

/** What the kernel of this node does with packets for the Service. */
export interface KernelFacts {
  /** The mode by whose chains the rules can be recognised; empty: there are none. */
  readonly mode: string
  readonly carriedBy: 'sockets' | 'kernel'
  /** What the client is that has the trouble; undefined: none is named. */
  readonly clientKind: ServiceWalk['from'] | undefined
  /** The addresses of the node, without those that kube-proxy gives it. */
  readonly addresses: readonly IpAddress[]
  readonly walks: readonly ServiceWalk[]
  readonly endpointWalks: readonly EndpointWalk[]
  readonly affinity: readonly KernelAffinity[]
  readonly notes: readonly string[]
}
