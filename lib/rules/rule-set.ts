import { type IpAddress, type IpFamily } from '../model/address.js'

/** What happens to a packet that a rule matches. */
export type RuleTarget =
  | { readonly kind: 'jump'; readonly chain: string }
  | { readonly kind: 'DNAT'; readonly address: IpAddress; readonly port: number }
  | { readonly kind: 'REDIRECT'; readonly port: number }

/** One netfilter rule, as data. Fields that are left out match everything. */
export interface Rule {
  readonly comment: string
  readonly destination?: IpAddress
  readonly protocol?: 'TCP' | 'UDP'
  readonly destinationPort?: number
  readonly target: RuleTarget
}

/** A rule of ours in a chain that is not ours (PREROUTING, OUTPUT …): the only thing we ever put there. */
export interface Link {
  readonly chain: string
  readonly rule: Rule
}

export interface TableRules {
  /** The chains that are ours, with all their rules in order. */
  readonly chains: ReadonlyMap<string, readonly Rule[]>
  readonly links: readonly Link[]
}

/** Everything that we want in the kernel for one IP family: table name to its rules. */
export interface RuleSet {
  readonly family: IpFamily
  readonly tables: ReadonlyMap<string, TableRules>
}
