import { type IpAddress, type IpFamily, familyOf, ipBytes } from '../model/address.js'
import { type Cidr, parseCidr } from '../model/cidr.js'
import { PrefixNames } from './prefix-names.js'
import { type Keyed, radixTree } from './radix-tree.js'
import { type Rule, type RuleTree } from './rule-set.js'

/** What is to be done with packets to one address. */
export interface AddressRules {
  readonly address: IpAddress
  readonly rules: readonly Rule[]
}

/** An address with more rules gets a chain of its own: then packets to its neighbours are compared with one of them. */
const MOST_IN_PLACE = 2
const BITS_OF_DIGIT = 4

interface Listed extends Keyed {
  readonly rules: readonly Rule[]
}

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
 * @param beginning of the chains' names, such as `KUBE-PODS-`; at most 10 characters
 * @param entries all of one IP family, in any order; an address that comes twice has the rules of both
 */
export function addressTree(beginning: string, entries: readonly AddressRules[]): RuleTree {
  const family = familyOf(entries[0]?.address ?? '')
  const names = new PrefixNames(beginning)
  const ownChains = new Map<string, readonly Rule[]>()
  const byAddress = new Map<IpAddress, Rule[]>()
  for (const { address, rules } of entries) {
    const known = byAddress.get(address) ?? []
    byAddress.set(address, known)
    for (const rule of rules) known.push(rule.destination === address ? rule : { ...rule, destination: address })
  }
  const listed = [...byAddress]
    .map(([address, rules]) => ({ key: digitsOf(address), address, rules }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ key, address, rules }): Listed => {
      if (rules.length <= MOST_IN_PLACE) return { key, rules }
      const chain = names.nameOf(prefixOf(key, family))
      ownChains.set(chain, rules)
      return { key, rules: [{ destination: address, target: { kind: 'jump', chain } }] }
    })
  const { root, chains } = radixTree(listed, {
    list: group => group.flatMap(({ rules }) => rules),
    size: group => group.length,
    branch: digits => {
      const destination = prefixOf(digits, family)
      return { chain: names.nameOf(destination), match: { destination } }
    },
  })
  return { root, chains: new Map([...chains, ...ownChains]) }
}

function digitsOf(address: IpAddress): string {
  let digits = ''
  for (const byte of ipBytes(address)!) digits += byte.toString(16).padStart(2, '0')
  return digits
}

function prefixOf(digits: string, family: IpFamily): Cidr {
  const padded = digits.padEnd(family === 'IPv4' ? 8 : 32, '0')
  const parts = padded.match(family === 'IPv4' ? /../g : /..../g)!
  const network = family === 'IPv4' ? parts.map(part => Number.parseInt(part, 16)).join('.') : parts.join(':')
  return parseCidr(`${network}/${digits.length * BITS_OF_DIGIT}`)!
}
