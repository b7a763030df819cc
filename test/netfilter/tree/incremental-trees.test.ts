import t from 'tap'
import { parseIp } from '../../../lib/model/address.js'
import { AddressTree } from '../../../lib/netfilter/tree/address-tree.js'
import { type Port, PortSetTree } from '../../../lib/netfilter/tree/port-tree.js'
import { type Rule, type RuleTree } from '../../../lib/netfilter/rule-set.js'
import { failAndEndTest } from '../../support/checks/fail-and-end-test.js'
import { randomInt, testSeed, seededRandom } from '../../support/checks/seeded-random.js'
import {
  type AddressEntry,
  type PortEntry,
  addressTree,
  incrementalAddressTree,
  incrementalPortTree,
  portTree,
} from './build-trees.js'
import { differingChains } from './walk-rules.js'

type Random = () => number

const seed = testSeed()
const accept = (comment: string): Rule => ({ comment, target: { kind: 'ACCEPT' } })
const rulesOf = (random: Random, name: string): Rule[] =>
  Array.from({ length: random() < 0.8 ? 1 : randomInt(random, 5) }, (_, n) => accept(`${name} ${n}`))

const addressEntry =
  (addressOf: (random: Random) => string) =>
  (random: Random): AddressEntry => {
    const address = addressOf(random)
    return { address, rules: rulesOf(random, address) }
  }
const portEntry = (random: Random): PortEntry => {
  const port = 30_000 + randomInt(random, 2767)
  return { protocol: random() < 0.7 ? 'TCP' : 'UDP', port, rules: rulesOf(random, String(port)) }
}
const IPv4 = addressEntry(
  random => `${random() < 0.9 ? '10.96' : '203.0'}.${randomInt(random, 4)}.${randomInt(random, 256)}`,
)
const IPv6 = addressEntry(random =>
  parseIp(`fd00:1234:5678:${randomInt(random, 3)}::${randomInt(random, 2 ** 11).toString(16)}`)!,
)

function testIncrementalTree<Entry>(
  name: string,
  draw: (random: Random) => Entry,
  grow: (entries: readonly Entry[]) => RuleTree,
  rebuild: (entries: readonly Entry[]) => RuleTree,
): void {
  void t.test(`An incremental tree of ${name} equals one that is built from scratch (SEED=${seed})`, t => {
    const random = seededRandom(seed)
    const entries: Entry[] = []
    for (let step = 0; step < 200; step++) {
      // The list grows to some hundreds and shrinks again; sometimes many items change at once, and sometimes the order.
      const adds = step < 130 ? 0.8 : 0.2
      for (let change = random() < 0.1 ? 60 : 2; change > 0; change--) {
        const index = randomInt(random, entries.length + 1)
        if (random() < adds) entries.splice(index, 0, draw(random))
        else entries.splice(index, 1)
      }
      if (random() < 0.05) entries.reverse()
      const differing = differingChains(grow([...entries]), rebuild(entries))
      if (differing.length > 0) return failAndEndTest(t, `step ${step}: ${differing.join(', ')}`)
    }
    t.pass(`${entries.length} at the end`)
    t.end()
  })
}

const v4 = incrementalAddressTree('KUBE-PODS-', [{ address: '10.96.0.1', rules: [] }])
const v6 = incrementalAddressTree('KUBE-PODS-', [{ address: 'fd00::1', rules: [] }])
const nodePorts = incrementalPortTree('KUBE-NP-')
const portSet = new PortSetTree('KUBE-DOOR-', { kind: 'ACCEPT' })
testIncrementalTree(
  'IPv4 addresses',
  IPv4,
  entries => v4.build(entries),
  entries => addressTree('KUBE-PODS-', entries),
)
testIncrementalTree(
  'IPv6 addresses',
  IPv6,
  entries => v6.build(entries),
  entries => addressTree('KUBE-PODS-', entries),
)
testIncrementalTree(
  'ports',
  portEntry,
  entries => nodePorts.build(entries),
  entries => portTree('KUBE-NP-', entries),
)
testIncrementalTree<Port>(
  'a set of ports',
  portEntry,
  ports => portSet.build(ports),
  ports => new PortSetTree('KUBE-DOOR-', { kind: 'ACCEPT' }).build(ports),
)

/** Chains that are not the same objects in the tree before. */
const changedChains = (before: RuleTree, { root, chains }: RuleTree): string[] =>
  [...chains, ['', root] as const]
    .filter(([name, rules]) => (name === '' ? before.root : before.chains.get(name)) !== rules)
    .map(([name]) => name)

void t.test('Unchanged chains are the same objects, and rules are built only for what changed', t => {
  const built: string[] = []
  const tree = new AddressTree<AddressEntry>('KUBE-PODS-', 'IPv4', {
    addressOf: ({ address }) => address,
    rulesOf: entries => {
      built.push(entries[0]!.address)
      return entries.flatMap(({ rules }) => rules)
    },
  })
  const web = (address: string): AddressEntry => ({ address, rules: [accept(address)] })
  const entries = Array.from({ length: 10_000 }, (_, n) => web(`10.96.${n >> 8}.${n & 255}`))
  const first = tree.build(entries)
  t.equal(built.length, 10_000)
  t.same(changedChains(first, tree.build([...entries])), [])
  t.equal(built.length, 10_000)

  const other = entries.map(entry => (entry.address === '10.96.7.7' ? web('10.96.7.7') : entry))
  const second = tree.build(other)
  t.same(changedChains(first, second).sort(), [
    '',
    'KUBE-PODS-10.96.0.0/20',
    'KUBE-PODS-10.96.7.0/24',
    'KUBE-PODS-10.96.7.0/28',
  ])
  const third = tree.build([...other, web('203.0.113.7')])
  t.same(changedChains(second, third), [''], 'also if all the others become one branch')
  t.same(built.slice(10_000), ['10.96.7.7', '203.0.113.7'])
  t.end()
})

void t.test('A branch that moves deeper in a larger tree is divided again if too few jumps are left', t => {
  // Each digit divides the rest in two halves.
  const halves = Array.from({ length: 2 ** 13 }, (_, n) => {
    const digits = n.toString(2).padStart(13, '0').split('').join('0').padEnd(32, '0')
    return { address: parseIp(digits.match(/..../g)!.join(':'))!, rules: [accept(String(n))] }
  })
  const tree = incrementalAddressTree('KUBE-PODS-', halves)
  tree.build(halves.slice(0, 2 ** 12))
  t.same(differingChains(tree.build(halves), addressTree('KUBE-PODS-', halves)), [])
  t.end()
})
