import { type IpAddress, familyOf } from '../../../lib/model/address.js'
import { AddressTree } from '../../../lib/netfilter/tree/address-tree.js'
import { type Port, PortTree } from '../../../lib/netfilter/tree/port-tree.js'
import { type Rule, type RuleTree } from '../../../lib/netfilter/rule-set.js'

/** An address with its rules. */
export interface AddressEntry {
  readonly address: IpAddress
  readonly rules: readonly Rule[]
}

/** A port with its rules. */
export interface PortEntry extends Port {
  readonly rules: readonly Rule[]
}

const rulesOf = (entries: readonly { readonly rules: readonly Rule[] }[]): Rule[] =>
  entries.flatMap(({ rules }) => rules)

/** A tree that is built once. */
export const addressTree = (chainPrefix: string, entries: readonly AddressEntry[]): RuleTree =>
  incrementalAddressTree(chainPrefix, entries).build(entries)

/** A tree that is built once. */
export const portTree = (chainPrefix: string, entries: readonly PortEntry[]): RuleTree =>
  incrementalPortTree(chainPrefix).build(entries)

/** A tree that reuses parts of its last result. */
export function incrementalAddressTree(
  chainPrefix: string,
  [first]: readonly AddressEntry[],
): AddressTree<AddressEntry> {
  const family = familyOf(first?.address ?? '')
  return new AddressTree<AddressEntry>(chainPrefix, family, { addressOf: ({ address }) => address, rulesOf })
}

/** A tree that reuses parts of its last result. */
export function incrementalPortTree(chainPrefix: string): PortTree<PortEntry> {
  return new PortTree<PortEntry>(chainPrefix, {
    protocolOf: ({ protocol }) => protocol,
    portOf: ({ port }) => port,
    rulesOf,
  })
}
