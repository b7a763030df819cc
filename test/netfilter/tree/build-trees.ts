import { type IpAddress, familyOf } from '../../../lib/model/address.js'
import { AddressTree } from '../../../lib/netfilter/tree/address-tree.js'
import { type Port, PortTree } from '../../../lib/netfilter/tree/port-tree.js'
import { type Rule, type RuleTree } from '../../../lib/netfilter/rule-set.js'

export interface AddressEntry {
  readonly address: IpAddress
  readonly rules: readonly Rule[]
}

export interface PortEntry extends Port {
  readonly rules: readonly Rule[]
}

const rulesOf = (entries: readonly { readonly rules: readonly Rule[] }[]): Rule[] =>
  entries.flatMap(({ rules }) => rules)

export const addressTree = (beginning: string, entries: readonly AddressEntry[]): RuleTree =>
  incrementalAddressTree(beginning, entries).build(entries)

export const portTree = (beginning: string, entries: readonly PortEntry[]): RuleTree =>
  incrementalPortTree(beginning).build(entries)

/** One that goes on from what it made last. */
export function incrementalAddressTree(beginning: string, [first]: readonly AddressEntry[]): AddressTree<AddressEntry> {
  const family = familyOf(first?.address ?? '')
  return new AddressTree<AddressEntry>(beginning, family, { addressOf: ({ address }) => address, rulesOf })
}

export function incrementalPortTree(beginning: string): PortTree<PortEntry> {
  return new PortTree<PortEntry>(beginning, {
    protocolOf: ({ protocol }) => protocol,
    portOf: ({ port }) => port,
    rulesOf,
  })
}
