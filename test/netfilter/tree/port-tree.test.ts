import t from 'tap'
import { type Port, PortSetTree } from '../../../lib/netfilter/tree/port-tree.js'
import { MAX_LIST_SIZE } from '../../../lib/netfilter/tree/radix-tree.js'
import { type Rule } from '../../../lib/netfilter/rule-set.js'
import { iptablesArgs } from '../../../lib/netfilter/iptables-args.js'
import { failAndEndTest } from '../../support/checks/fail-and-end-test.js'
import { randomInt, testSeed, seededRandom } from '../../support/checks/seeded-random.js'
import { portTree } from './build-trees.js'
import { differingChains, walkRules } from './walk-rules.js'

const seed = testSeed()
const JUMP_TARGET = { kind: 'jump', chain: 'KUBE-DOOR' } as const
const accept = (comment: string): Rule => ({ comment, target: { kind: 'ACCEPT' } })
const ruleLines = (rules: readonly Rule[]): string[] => rules.map(rule => iptablesArgs(rule, 'IPv4').join(' '))

function randomPorts(random: () => number, count: number, first: number, last: number): Port[] {
  return Array.from({ length: count }, () => ({
    protocol: random() < 0.7 ? ('TCP' as const) : ('UDP' as const),
    port: first + randomInt(random, last - first + 1),
  }))
}

void t.test('Chains and jumps of a tree have the ranges of its ports', t => {
  const nodePorts = Array.from({ length: 40 }, (_, n) => ({ protocol: 'TCP' as const, port: 30_000 + n }))
  const tree = portTree('KUBE-NP-', [
    ...nodePorts.map(port => ({ ...port, rules: [accept(`default/${port.port}`)] })),
    { protocol: 'UDP', port: 30_000, rules: ['a', 'b', 'c', 'd'].map(accept) },
  ])
  t.same(ruleLines(tree.root), [
    '-p tcp -m tcp --dport 30000:30015 -j KUBE-NP-tcp-30000-30015',
    '-p tcp -m tcp --dport 30016:30031 -j KUBE-NP-tcp-30016-30031',
    '-p tcp -m tcp --dport 30032:30047 -j KUBE-NP-tcp-30032-30047',
    '-p udp -m udp --dport 30000 -j KUBE-NP-udp-30000',
  ])
  t.equal(
    ruleLines(tree.chains.get('KUBE-NP-tcp-30016-30031')!)[1],
    '-p tcp -m comment --comment default/30017 -m tcp --dport 30017 -j ACCEPT',
  )
  t.same(
    tree.chains.get('KUBE-NP-udp-30000')?.map(({ comment }) => comment),
    ['a', 'b', 'c', 'd'],
  )

  const set = new PortSetTree('KUBE-DOOR-', JUMP_TARGET, { destination: '192.168.50.1' }).build(nodePorts)
  t.same(
    ruleLines(set.root).map(line => line.replace(/(,\d+)+/, ',…')),
    [
      '-d 192.168.50.1/32 -p tcp -m multiport --dports 30000,… -j KUBE-DOOR',
      '-d 192.168.50.1/32 -p tcp -m multiport --dports 30015,… -j KUBE-DOOR',
      '-d 192.168.50.1/32 -p tcp -m multiport --dports 30030,… -j KUBE-DOOR',
    ],
  )
  t.same(portTree('KUBE-NP-', []), { root: [], chains: new Map() })
  t.same(new PortSetTree('KUBE-NP-', JUMP_TARGET).build([]), { root: [], chains: new Map() })
  t.throws(
    () => portTree('KUBE-NODEPORT-CONTAINER-', [{ protocol: 'UDP', port: 1, rules: ['a', 'b', 'c', 'd'].map(accept) }]),
    /above 13/,
  )
  t.end()
})

for (const [space, first, last] of [
  ['node ports', 30_000, 32_767],
  ['ports that a kernel chooses', 32_768, 60_999],
  ['all ports', 1, 65_535],
] as const) {
  void t.test(
    `In a tree of ${space}, a packet meets the same rule as in a flat list, after few comparisons (SEED=${seed})`,
    t => {
      const random = seededRandom(seed)
      let most = 0
      for (const count of [1, 17, 300, 2000, 10_000]) {
        const ports = randomPorts(random, count, first, last)
        const entries = ports.map((port, n) => ({ ...port, rules: [accept(`rule ${n}`)] }))
        const byPort = new Map<string, string>()
        for (const { protocol, port, rules } of entries) {
          const key = `${protocol} ${port}`
          if (!byPort.has(key)) byPort.set(key, rules[0]!.comment!)
        }
        const tree = portTree('KUBE-NP-', entries)
        const set = new PortSetTree('KUBE-DOOR-', { kind: 'ACCEPT' }).build(ports)
        for (const name of [...tree.chains.keys(), ...set.chains.keys()])
          if (!/^KUBE-[a-zA-Z0-9-]{1,23}$/.test(name)) return failAndEndTest(t, `not a chain name: ${name}`)
        for (const { destinationPorts } of [...set.chains.values()].flat())
          if ((destinationPorts?.length ?? 0) > 15) return failAndEndTest(t, 'more than 15 ports in a rule')
        for (let packet = 0; packet < 1000; packet++) {
          const { protocol, port } =
            random() < 0.7 ? ports[randomInt(random, count)]! : randomPorts(random, 1, 1, 65_535)[0]!
          const expected = byPort.get(`${protocol} ${port}`)
          const walks = [walkRules(tree, { protocol, port }), walkRules(set, { protocol, port })]
          const name = `${protocol} ${port} of ${count}`
          if (walks[0]!.matched?.comment !== expected)
            return failAndEndTest(t, `${name} met ${walks[0]!.matched?.comment}, not ${expected}`)
          if ((walks[1]!.matched !== undefined) !== (expected !== undefined))
            return failAndEndTest(t, `${name}: wrong in the set`)
          most = Math.max(most, ...walks.map(({ compared }) => compared))
        }
      }
      // The first chain of the other protocol, then at most four levels.
      t.ok(most <= 6 * MAX_LIST_SIZE, `compared with at most ${most} rules`)
      t.end()
    },
  )

  void t.test(
    `In a tree of ${space}, equal sets make equal trees, and one port changes few chains (SEED=${seed})`,
    t => {
      const random = seededRandom(seed)
      const ports = randomPorts(random, 1000, first, last)
      const more = randomPorts(random, 1, first, last)
      for (const build of [
        (ports: readonly Port[]) => new PortSetTree('KUBE-DOOR-', JUMP_TARGET).build(ports),
        (ports: readonly Port[]) =>
          portTree(
            'KUBE-NP-',
            ports.map(port => ({ ...port, rules: [accept(`${port.protocol} ${port.port}`)] })),
          ),
      ]) {
        const tree = build(ports)
        t.same(differingChains(tree, build([...ports].reverse())), [])
        const differing = differingChains(tree, build([...ports, ...more]))
        t.ok(differing.length <= 4, `${differing.length} of ${tree.chains.size} chains`)
      }
      t.end()
    },
  )
}
