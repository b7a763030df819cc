import { type IpAddress, type IpFamily, ipBytes } from '../../model/address.js'
import { type Cidr, parseCidr } from '../../model/cidr.js'
import { KeyedList } from '../../primitives/keyed-list.js'
import { PrefixNames } from './prefix-names.js'
import { RadixTree } from './radix-tree.js'
import { type RuleList, ruleList, addListChains } from '../rule-list.js'
import { type Rule, type RuleTree } from '../rule-set.js'

/** How items become rules for packets to an address. */
export interface AddressTreeRules<T> {
  addressOf(item: T): IpAddress
  /** The rules of all items with one address; called again only if these are not the same objects. */
  rulesOf(items: readonly T[]): readonly Rule[]
}

const BITS_PER_DIGIT = 4

/**
 * Leads a packet, by its destination, to the rules of that address, past the rules of all others:
 *
 *     (root)                    -d 10.96.0.0/24 -j KUBE-PODS-10.96.0.0/24
 *                               -d 10.96.1.0/24 -j KUBE-PODS-10.96.1.0/24
 *     KUBE-PODS-10.96.0.0/24    -d 10.96.0.0/28 -j KUBE-PODS-10.96.0.0/28
 *                               …
 *     KUBE-PODS-10.96.0.0/28    -d 10.96.0.1/32 -p tcp --dport 443 -j DNAT …
 *                               -d 10.96.0.10/32 -j KUBE-PODS-10.96.0.10
 *     KUBE-PODS-10.96.0.10      -d 10.96.0.10/32 -p udp --dport 53 -j DNAT …
 *                               …
 *
 * The rules of one address keep their order. A packet that no rule matches comes back to the chain that holds the root. A
 * rule with target RETURN returns to that chain or from it, depending on the rule's place in the tree. So no rule after the
 * root may be one that such a packet must not meet.
 *
 * For items that are the same objects as in the last call nothing is rebuilt; see `KeyedList` and `RadixTree`.
 */
export class AddressTree<T> {
  readonly #names: PrefixNames
  readonly #list: KeyedList<T, IpAddress, RuleList<IpAddress>>
  readonly #radixTree: RadixTree<RuleList<IpAddress>>

  /** @param chainPrefix the prefix of chain names, such as `KUBE-PODS-`; at most 10 characters */
  constructor(chainPrefix: string, family: IpFamily, { addressOf, rulesOf }: AddressTreeRules<T>) {
    const names = new PrefixNames(chainPrefix)
    this.#names = names
    this.#list = new KeyedList(addressOf, (address, items) => {
      const key = toHexDigits(address)
      const getChainName = (): string => names.getName(toPrefix(key, family))
      return ruleList(address, key, rulesOf(items), { destination: address }, getChainName)
    })
    this.#radixTree = new RadixTree({
      listRules: group => group.flatMap(({ rules }) => rules),
      listSize: group => group.length,
      branch: digits => {
        const destination = toPrefix(digits, family)
        return { chain: names.getName(destination), match: { destination } }
      },
    })
  }

  /** @param items with addresses of the tree's family, in an order that changes little between calls */
  build(items: readonly T[]): RuleTree {
    const lists = this.#list.update(items)
    const tree = addListChains(this.#radixTree.build(lists), lists)
    this.#names.retain(tree.chains)
    return tree
  }
}

function toHexDigits(address: IpAddress): string {
  let digits = ''
  for (const byte of ipBytes(address)!) digits += byte.toString(16).padStart(2, '0')
  return digits
}

function toPrefix(digits: string, family: IpFamily): Cidr {
  const padded = digits.padEnd(family === 'IPv4' ? 8 : 32, '0')
  const parts = padded.match(family === 'IPv4' ? /../g : /..../g)!
  const network = family === 'IPv4' ? parts.map(part => Number.parseInt(part, 16)).join('.') : parts.join(':')
  return parseCidr(`${network}/${digits.length * BITS_PER_DIGIT}`)!
}
