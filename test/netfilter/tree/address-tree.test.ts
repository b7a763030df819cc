import t from 'tap'
import { parseIp } from '../../../lib/model/address.js'
import { MAX_LIST_SIZE, MAX_JUMPS } from '../../../lib/netfilter/tree/radix-tree.js'
import { type Rule } from '../../../lib/netfilter/rule-set.js'
import { iptablesArgs } from '../../../lib/netfilter/iptables-args.js'
import { failAndEndTest } from '../../support/checks/fail-and-end-test.js'
import { randomInt, testSeed, seededRandom } from '../../support/checks/seeded-random.js'
import { type AddressEntry, addressTree } from './build-trees.js'
import { differingChains, walkRules } from './walk-rules.js'

type Random = () => number

function dnatToPort(port: number, comment = 'default/web', protocol: 'TCP' | 'UDP' = 'TCP'): Rule {
  return { comment, protocol, destinationPort: port, target: { kind: 'DNAT', address: '192.168.50.1', port: 40_000 } }
}

function webEntry(address: string): AddressEntry {
  return { address, rules: [dnatToPort(80, `default/${address}`)] }
}

function toIPv4(number: number): string {
  return [24, 16, 8, 0].map(shift => (number >>> shift) & 255).join('.')
}

const BASE = 0x0a600000
const consecutiveAddresses = (count: number): string[] => Array.from({ length: count }, (_, n) => toIPv4(BASE + n))
/** Where random addresses come from: spaces of the sizes that clusters have, and extreme ones. */
const ADDRESS_SPACES: Readonly<Record<string, (random: Random) => string>> = {
  'a /20': random => toIPv4(BASE + randomInt(random, 2 ** 12)),
  'a /12': random => toIPv4(BASE + randomInt(random, 2 ** 20)),
  'all of IPv4': random => toIPv4(randomInt(random, 2 ** 32)),
  'a /112 of IPv6': random => parseIp(`fd00:10:96::${randomInt(random, 2 ** 16).toString(16)}`)!,
  'all of IPv6': random => parseIp(Array.from({ length: 8 }, () => randomInt(random, 2 ** 16).toString(16)).join(':'))!,
  'IPv6 with few different digits': random =>
    parseIp(
      Array.from({ length: 32 }, () => (random() < 0.7 ? 0 : 1))
        .join('')
        .match(/..../g)!
        .join(':'),
    )!,
}

const seed = testSeed()

void t.test('Chains and jumps of a tree have the prefixes of its addresses', t => {
  const tree = addressTree('KUBE-PODS-', [
    ...consecutiveAddresses(300).map(webEntry),
    { address: '10.96.1.200', rules: [53, 54, 55, 56].map(port => dnatToPort(port, 'default/dns', 'UDP')) },
  ])
  const text = (rules: readonly Rule[]): string[] => rules.map(rule => iptablesArgs(rule, 'IPv4').join(' '))
  t.same(text(tree.root).slice(0, 2), [
    '-d 10.96.0.0/28 -j KUBE-PODS-10.96.0.0/28',
    '-d 10.96.0.16/28 -j KUBE-PODS-10.96.0.16/28',
  ])
  t.same(text(tree.root).slice(-1), ['-d 10.96.1.0/24 -j KUBE-PODS-10.96.1.0/24'], 'a small branch is a jump')
  t.same(
    text(tree.chains.get('KUBE-PODS-10.96.0.0/28')!)[1],
    '-d 10.96.0.1/32 -p tcp -m comment --comment default/10.96.0.1 -m tcp --dport 80 -j DNAT --to-destination 192.168.50.1:40000',
  )
  t.same(text(tree.chains.get('KUBE-PODS-10.96.1.0/24')!).slice(-1), ['-d 10.96.1.200/32 -j KUBE-PODS-10.96.1.200'])
  t.same(
    tree.chains.get('KUBE-PODS-10.96.1.200')?.map(rule => rule.destinationPort),
    [53, 54, 55, 56],
    'an address with many ports has a chain of its own, with the ports in their order',
  )
  t.end()
})

void t.test('Few addresses are one list', t => {
  for (const count of [0, 1, MAX_LIST_SIZE]) {
    const { root, chains } = addressTree('KUBE-PODS-', consecutiveAddresses(count).map(webEntry))
    t.equal(root.length, count)
    t.equal(chains.size, 0)
  }
  t.ok(addressTree('KUBE-PODS-', consecutiveAddresses(MAX_LIST_SIZE + 1).map(webEntry)).chains.size > 0)
  const twice = addressTree('KUBE-PODS-', [webEntry('10.96.0.1'), { address: '10.96.0.1', rules: [dnatToPort(81)] }])
  t.same(
    twice.root.map(rule => rule.destinationPort),
    [80, 81],
    'two items with one address have the rules of both',
  )
  t.end()
})

for (const [space, draw] of Object.entries(ADDRESS_SPACES)) {
  void t.test(
    `In ${space}, a packet meets the same rule as in a flat list, after few comparisons (SEED=${seed})`,
    t => {
      const random = seededRandom(seed)
      let [most, sum, walks] = [0, 0, 0]
      for (let round = 0; round < 12; round++) {
        const count = [3, 17, 60, 400, 3000][round % 5]!
        const entries = Array.from({ length: count }, () => {
          const ports = Array.from({ length: random() < 0.1 ? 1 + randomInt(random, 8) : 1 }, (_, n) => 80 + n)
          const address = draw(random)
          return {
            address,
            rules: ports.map(port => dnatToPort(port, `${address} ${port} ${randomInt(random, 1000)}`)),
          }
        })
        const flat = {
          root: entries.flatMap(({ address, rules }) => rules.map(rule => ({ ...rule, destination: address }))),
          chains: new Map<string, Rule[]>(),
        }
        const tree = addressTree('KUBE-PODS-', entries)
        for (const name of tree.chains.keys())
          if (!/^KUBE-PODS-[a-z0-9./-]{1,18}$/.test(name)) return failAndEndTest(t, `not a chain name: ${name}`)
        for (let packet = 0; packet < 400; packet++) {
          const isListed = random() < 0.7
          const address = isListed ? entries[randomInt(random, entries.length)]!.address : draw(random)
          const port = 80 + randomInt(random, isListed && random() < 0.9 ? 1 : 10)
          const { matched, compared, jumps } = walkRules(tree, { address, port, protocol: 'TCP' })
          const expected = walkRules(flat, { address, port, protocol: 'TCP' }).matched
          if (matched?.comment !== expected?.comment || matched?.destination !== expected?.destination)
            return failAndEndTest(t, `${address}:${port} of ${count} met ${matched?.comment}, not ${expected?.comment}`)
          if (jumps > MAX_JUMPS + 1) return failAndEndTest(t, `${address}: ${jumps} jumps`)
          most = Math.max(most, compared)
          sum += compared
          walks++
        }
      }
      // The worst case is three levels that are written in one chain, and a list.
      t.ok(
        most <= 6 * MAX_LIST_SIZE,
        `compared with at most ${most} of up to 3000, on average ${(sum / walks).toFixed(1)}`,
      )
      t.end()
    },
  )

  void t.test(
    `In ${space}, equal sets make equal trees, and one address changes only the chains on its way (SEED=${seed})`,
    t => {
      const random = seededRandom(seed)
      const entries = new Map<string, AddressEntry>()
      const shuffled = (): AddressEntry[] =>
        [...entries.values()]
          .map(entry => [random(), entry] as const)
          .sort(([a], [b]) => a - b)
          .map(([, entry]) => entry)
      let before = addressTree('KUBE-PODS-', [])
      for (let step = 0; step < 400; step++) {
        // The set grows to some hundreds and shrinks again, past every boundary.
        const adds = step < 250 ? 0.9 : 0.2
        const address =
          random() < adds || entries.size === 0 ? draw(random) : [...entries.keys()][randomInt(random, entries.size)]!
        if (entries.has(address)) entries.delete(address)
        else entries.set(address, webEntry(address))
        const after = addressTree('KUBE-PODS-', shuffled())
        if (differingChains(after, addressTree('KUBE-PODS-', shuffled())).length > 0)
          return failAndEndTest(t, `step ${step}: another order gives another tree`)
        const others = differingChains(before, after).filter(name => !isOnWay(name, address, before, after))
        if (others.length > 0) return failAndEndTest(t, `step ${step}: ${address} changed ${others.join(', ')}`)
        before = after
      }
      t.pass(`${entries.size} addresses at the end`)
      t.end()
    },
  )
}

/**
 * Whether a chain is the root, or packets to the address pass it in one of the trees, or it was added or removed because its
 * parent on the way is now divided differently.
 */
function isOnWay(name: string, address: string, ...trees: readonly ReturnType<typeof addressTree>[]): boolean {
  if (name === '' || trees.some(({ chains }) => !chains.has(name))) return true
  return trees.some(tree => {
    const jumps = (rules: readonly Rule[]): boolean =>
      rules.some(({ destination, target }) => {
        if (target.kind !== 'jump') return false
        const isPassed =
          walkRules(
            {
              root: [{ ...(destination !== undefined && { destination }), target: { kind: 'ACCEPT' } }],
              chains: new Map(),
            },
            { address, protocol: 'TCP', port: 80 },
          ).matched !== undefined
        return isPassed && (target.chain === name || jumps(tree.chains.get(target.chain)!))
      })
    return jumps(tree.root)
  })
}

void t.test('One more Service among 10,000 changes a few chains', t => {
  const before = addressTree('KUBE-PODS-', consecutiveAddresses(10_000).map(webEntry))
  for (const address of ['10.97.0.1', '10.96.200.200', toIPv4(BASE + 10_000)]) {
    const after = addressTree('KUBE-PODS-', [...consecutiveAddresses(10_000), address].map(webEntry))
    t.ok(differingChains(before, after).length <= 2, address)
  }
  const { compared, jumps } = walkRules(before, { address: toIPv4(BASE + 9999), protocol: 'TCP', port: 80 })
  t.ok(compared <= 4 * MAX_LIST_SIZE, `${compared} rules, ${jumps} jumps`)
  t.end()
})

void t.test('Addresses chosen to make the tree deep do not make it deeper than netfilter allows', t => {
  // Crafted: one address branches off at each digit. Halves: each digit divides the rest in two halves.
  const crafted = Array.from({ length: 31 }, (_, digit) => '0'.repeat(digit) + '1'.padEnd(32 - digit, '0'))
  const halves = Array.from({ length: 2 ** 13 }, (_, n) =>
    n.toString(2).padStart(13, '0').split('').join('0').padEnd(32, '0'),
  )
  for (const [name, keys] of Object.entries({ crafted, halves })) {
    const addresses = [...keys.map(key => parseIp(key.match(/..../g)!.join(':'))!), ...consecutiveIPv6Addresses(200)]
    const tree = addressTree('KUBE-PODS-', addresses.map(webEntry))
    const walks = addresses.map(address => walkRules(tree, { address, protocol: 'TCP', port: 80 }))
    t.ok(Math.max(...walks.map(({ jumps }) => jumps)) <= MAX_JUMPS, `${name}: depth`)
    t.same(
      walks.map(({ matched }) => matched?.destination),
      addresses,
      `${name}: all addresses are reached`,
    )
  }
  t.end()
})

function consecutiveIPv6Addresses(count: number): string[] {
  return Array.from({ length: count }, (_, n) => parseIp(`fd00:10:96::${(n + 1).toString(16)}`)!)
}
