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
  /** Sets the bits of the packet's mark, or turns each of them over. */
  | { readonly kind: 'MARK'; readonly operation: 'set' | 'toggle'; readonly bits: number }
  /** The source becomes the node's own address on the way out. */
  | { readonly kind: 'MASQUERADE'; readonly randomPort: boolean }
  /** Refuses as a closed port does: TCP with a reset (only for rules of protocol TCP), anything with port unreachable. */
  | { readonly kind: 'REJECT'; readonly with: 'tcp-reset' | 'port-unreachable' }

export type ConnectionState = 'NEW' | 'DNAT' | 'INVALID' | 'RELATED' | 'ESTABLISHED'

/** The kernel's list of addresses that came by a rule (xt_recent), by its name. */
export type RecentMatch =
  | { readonly list: string; readonly action: 'set' }
  /** Whether the source is in the list, and came within so many seconds. */
  | { readonly list: string; readonly action: 'check'; readonly seconds: number }

/** What a rule may ask for, and also for the contrary of. */
interface NegatableMatch {
  readonly source?: IpAddress | Cidr
  readonly destination?: IpAddress | Cidr
  /** Name of the interface that the packet came in by; one that ends in `+` stands for all that begin so. */
  readonly inInterface?: string
  /** `NEW`: the first packet of a connection. `DNAT`: of a connection whose destination was translated. Any of several. */
  readonly connection?: ConnectionState | readonly ConnectionState[]
  /** The source is an address of this machine. */
  readonly fromThisNode?: true
  /** The destination is. */
  readonly toThisNode?: true
  /** All of these bits are set in the packet's mark. */
  readonly mark?: number
}

/** One netfilter rule, as data. Fields that are left out match everything. */
export interface Rule extends NegatableMatch {
  /** Left out where the rule speaks for itself: a jump to a chain whose name says where it leads. */
  readonly comment?: string
  /** None of these may be so. */
  readonly not?: NegatableMatch
  readonly protocol?: Protocol
  /** Counts only together with a protocol. */
  readonly destinationPort?: number | PortRange
  /** Up to 15 ports, any of which matches. */
  readonly destinationPorts?: readonly number[]
  /** One in so many packets, by chance. */
  readonly oneIn?: number
  readonly recent?: RecentMatch
  /** The packet is in this ipset, by these of its fields: `dst,dst` for the destination's address and port. */
  readonly inSet?: { readonly name: string; readonly fields: string }
  readonly target: RuleTarget
}

/** A rule of ours in a chain that is not ours (PREROUTING, OUTPUT …): the only thing we ever put there. */
export interface Link {
  readonly chain: string
  /** The chain is shared with others, none of whom need have made it yet: where it is missing, it is made. */
  readonly createsChain?: true
  /** Where it is put when it is missing. */
  readonly position: 'first' | 'last'
  readonly rule: Rule
}

/**
 * Chains that come and go together. Never changed once it is made: what is as before is known by being the same object, also
 * among tens of thousands of chains.
 */
export interface ChainGroup {
  readonly chains: ReadonlyMap<string, readonly Rule[]>
  /** How many there are in all of them. */
  readonly ruleCount: number
}

export interface TableRules {
  /** The chains that are ours, with all their rules in order. */
  readonly chains: ReadonlyMap<string, readonly Rule[]>
  /** More of them. No chain is in two groups. */
  readonly groups?: readonly ChainGroup[]
  readonly links: readonly Link[]
  /** Chains that are ours by the beginning of their name: those found and not wanted any more are removed. */
  readonly ownedPrefixes?: readonly string[]
}

/** Everything that we want in the kernel for one IP family: table name to its rules. */
export interface RuleSet {
  readonly family: IpFamily
  readonly tables: ReadonlyMap<string, TableRules>
}

/** Rules that lead a packet by jumps to the few that may match it. */
export interface RuleTree {
  /** To be put into a chain of the caller's. */
  readonly root: readonly Rule[]
  /** The chains that they lead to, by name. */
  readonly chains: ReadonlyMap<string, readonly Rule[]>
}

/** All chains of ours in a table. */
export function* allChains({ chains, groups = [] }: TableRules): Generator<readonly [string, readonly Rule[]]> {
  yield* chains
  for (const group of groups) yield* group.chains
}
