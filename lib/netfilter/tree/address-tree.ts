import { type IpAddress, type IpFamily, ipBytes } from '../../model/address.js'
import { type Cidr, parseCidr } from '../../model/cidr.js'
import { KeyedList } from '../../primitives/keyed-list.js'
import { PrefixNames } from './prefix-names.js'
import { RadixTree } from './radix-tree.js'
import { type RuleList, ruleList, addListChains } from '../rule-list.js'
import { type Rule, type RuleTree } from '../rule-set.js'

/** How things of some kind become rules for packets to an address. */
export interface AddressTreeRules<T> {
  addressOf(thing: T): IpAddress
  /** Of all things with one address; asked again only when these are not the same objects. */
  rulesOf(things: readonly T[]): readonly Rule[]
}

const BITS_PER_DIGIT = 4

/**
 * Leads packets by their destination to the rules of that address, past those of all others:
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
 * Rules of one address keep their order; with other addresses' they have nothing to do. A packet that none matches comes
 * back to the chain that the root is in. A rule with target RETURN returns to there too, or beyond it, depending on where in
 * the tree it lies: put nothing behind the root that such a packet must not meet.
 *
 * For things that are the same objects as last time nothing is made anew; see `Listing` and `RadixTree`.
 */
export class AddressTree<T> {
  readonly #names: PrefixNames
  readonly #list: KeyedList<T, IpAddress, RuleList<IpAddress>>
  readonly #radixTree: RadixTree<RuleList<IpAddress>>

  /** @param beginning of the chains' names, such as `KUBE-PODS-`; at most 10 characters */
  constructor(beginning: string, family: IpFamily, { addressOf, rulesOf }: AddressTreeRules<T>) {
    const names = new PrefixNames(beginning)
    this.#names = names
    this.#list = new KeyedList(addressOf, (address, things) => {
      const key = toHexDigits(address)
      const nameOf = (): string => names.getName(toPrefix(key, family))
      return ruleList(address, key, rulesOf(things), { destination: address }, nameOf)
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

  /** @param items with addresses of the tree's family; in an order that changes little from time to time */
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
