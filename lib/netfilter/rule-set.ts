import { type IpAddress, type IpFamily } from '../model/address.js'
import { type Cidr } from '../model/cidr.js'
import { type PortRange } from '../model/port-range.js'
import { type Protocol } from '../model/protocol.js'

/** What happens to a packet that a rule matches. */
export type RuleTarget =
  | { readonly kind: 'jump'; readonly chain: string }
  | { readonly kind: 'DNAT'; readonly address: IpAddress; readonly port: number }
  | { readonly kind: 'REDIRECT'; readonly port: number }
  | { readonly kind: 'ACCEPT' | 'DROP' | 'RETURN' }
  /** Sets these bits of the packet's mark, or toggles them. */
  | { readonly kind: 'MARK'; readonly operation: 'set' | 'toggle'; readonly bits: number }
  /** Replaces the source with the node's address on the way out. */
  | { readonly kind: 'MASQUERADE'; readonly randomPort: boolean }
  /** Refuses as a closed port does: TCP with a reset (only for rules of protocol TCP), anything with port unreachable. */
  | { readonly kind: 'REJECT'; readonly with: 'tcp-reset' | 'port-unreachable' }

/** A state of the packet's connection in conntrack. */
export type ConnectionState = 'NEW' | 'DNAT' | 'INVALID' | 'RELATED' | 'ESTABLISHED'

/** A match on a named list of recent source addresses in the kernel (xt_recent). */
export type RecentMatch =
  /** Adds the source to the list. */
  | { readonly list: string; readonly action: 'set' }
  /** The source is in the list, and was added within this many seconds. */
  | { readonly list: string; readonly action: 'check'; readonly seconds: number }

/** Matches that can be negated. */
interface NegatableMatch {
  readonly source?: IpAddress | Cidr
  readonly destination?: IpAddress | Cidr
  /** The interface that the packet came in by; a name that ends in `+` matches all interfaces with that prefix. */
  readonly inInterface?: string
  /**
   * `NEW`: the first packet of a connection. `DNAT`: the connection's destination was translated. A list: any of these
   * states.
   */
  readonly connection?: ConnectionState | readonly ConnectionState[]
  /** The source is an address of this node. */
  readonly fromThisNode?: true
  /** The destination is an address of this node. */
  readonly toThisNode?: true
  /** All of these bits are set in the packet's mark. */
  readonly mark?: number
}

/** One netfilter rule, as data. A field that is left out matches everything. */
export interface Rule extends NegatableMatch {
  /** Left out if the rule needs no explanation: a jump to a chain with a clear name. */
  readonly comment?: string
  /** Negated matches: none of these may be true. */
  readonly not?: NegatableMatch
  readonly protocol?: Protocol
  /** Needs a protocol. */
  readonly destinationPort?: number | PortRange
  /** Up to 15 ports; any of them matches. */
  readonly destinationPorts?: readonly number[]
  /** As `destinationPort`, `destinationPorts`. */
  readonly sourcePort?: number | PortRange
  readonly sourcePorts?: readonly number[]
  /** TCP only: the segment neither closes nor resets its connection. */
  readonly keepsConnection?: true
  /** Matches one in this many packets, at random. */
  readonly oneIn?: number
  readonly recent?: RecentMatch
  /** The packet's fields are in this ipset: `dst,dst` for the destination address and port. */
  readonly inSet?: { readonly name: string; readonly fields: string }
  readonly target: RuleTarget
}

/** A jump from a chain of the kernel (PREROUTING, OUTPUT …) to a chain of this program: nothing else is ever added there. */
export interface Link {
  readonly chain: string
  /** The chain is shared with other programs, and any of them creates it if it is missing. */
  readonly createsChain?: true
  /** The position of the rule when it is added. */
  readonly position: 'first' | 'last'
  /**
   * What must not come to stand above the link later: `verdicts`, rules that take a packet away; or `acceptance`, also jumps to
   * chains that accept packets. Omitted: the place does not matter.
   */
  readonly staysAbove?: 'verdicts' | 'acceptance'
  readonly rule: Rule
}

/**
 * Chains that are added and removed together. A group is immutable, so that an unchanged group is recognised as the same
 * object, even among tens of thousands of chains.
 */
export interface ChainGroup {
  readonly chains: ReadonlyMap<string, readonly Rule[]>
  /** The number of rules in all of its chains. */
  readonly ruleCount: number
}

/** The rules of this program in one table. */
export interface TableRules {
  /** Its chains, with all their rules in order. */
  readonly chains: ReadonlyMap<string, readonly Rule[]>
  /** More chains. No chain is in two groups. */
  readonly groups?: readonly ChainGroup[]
  readonly links: readonly Link[]
  /** Name prefixes of chains that belong to this program: those that are no longer desired are removed. */
  readonly ownedPrefixes?: readonly string[]
}

/** All rules of this program for one IP family: table name to its rules. */
export interface RuleSet {
  readonly family: IpFamily
  readonly tables: ReadonlyMap<string, TableRules>
}

/** Rules that lead a packet, by jumps, to the few rules that may match it. */
export interface RuleTree {
  /** The rules for a chain of the caller. */
  readonly root: readonly Rule[]
  /** The chains below the root, by name. */
  readonly chains: ReadonlyMap<string, readonly Rule[]>
}

/** All chains of this program in a table. */
export function* allChains({ chains, groups = [] }: TableRules): Generator<readonly [string, readonly Rule[]]> {
  yield* chains
  for (const group of groups) yield* group.chains
}
