import { type IpAddress, familyOf } from '../../lib/model/address.js'
import { AddressTree } from '../../lib/rules/address-tree.js'
import { type Port, PortTree } from '../../lib/rules/port-tree.js'
import { type Rule, type RuleTree } from '../../lib/rules/rule-set.js'

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
  growingAddressTree(beginning, entries).of(entries)

export const portTree = (beginning: string, entries: readonly PortEntry[]): RuleTree =>
  growingPortTree(beginning).of(entries)

/** One that goes on from what it made last. */
export function growingAddressTree(beginning: string, [first]: readonly AddressEntry[]): AddressTree<AddressEntry> {
  const family = familyOf(first?.address ?? '')
  return new AddressTree<AddressEntry>(beginning, family, { addressOf: ({ address }) => address, rulesOf })
}

export function growingPortTree(beginning: string): PortTree<PortEntry> {
  return new PortTree<PortEntry>(beginning, {
    protocolOf: ({ protocol }) => protocol,
    portOf: ({ port }) => port,
    rulesOf,
  })
}
