import t from 'tap'
import { NetworkNamespace } from '../../lib/demo/network-namespace.js'
import { type IpFamily } from '../../lib/model/address.js'
import { parseCidr } from '../../lib/model/cidr.js'
import { type ObservedRules, parseIptablesSave } from '../../lib/netfilter/iptables-save.js'
import { PortSetTree } from '../../lib/netfilter/tree/port-tree.js'
import { observedAfter, removalInput, restoreInput } from '../../lib/netfilter/iptables-restore.js'
import { type Rule, type RuleSet, type RuleTree, type TableRules } from '../../lib/netfilter/rule-set.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { addressTree, portTree } from './tree/build-trees.js'

const NETWORKS = {
  IPv4: ['10.96.0.0/16', '10.244.0.0/15', '0.0.0.0/0', '10.96.0.1'],
  IPv6: ['fd00:10:96::/112', 'fd00:244::/56', '::/0', 'fd00:10:96::1'],
}

/** Rules with every field, alone and together. */
function everyField(family: IpFamily): Rule[] {
  const [services, pods, everything] = NETWORKS[family].map(range => parseCidr(range)!)
  const fields: readonly Partial<Rule>[] = [
    { comment: 'two words; "quoted" \\ \'`$(x)' },
    { comment: '' },
    { source: pods! },
    { source: everything! },
    { destination: services! },
    { destination: everything! },
    { destination: NETWORKS[family][3]! },
    { inInterface: 'cali+' },
    { inInterface: 'eth0' },
    { inInterface: '+' },
    { protocol: 'TCP' },
    { protocol: 'TCP', destinationPort: 80 },
    { protocol: 'UDP', destinationPort: 53 },
    { protocol: 'TCP', destinationPort: { first: 1024, last: 2047 } },
    { protocol: 'TCP', destinationPort: { first: 0, last: 4095 } },
    { protocol: 'UDP', destinationPort: { first: 61_440, last: 65_535 } },
    { protocol: 'UDP', destinationPort: { first: 7, last: 7 } },
    { protocol: 'UDP', destinationPort: { first: 0, last: 65_535 } },
    { protocol: 'TCP', keepsConnection: true, connection: 'INVALID', comment: 'c' },
    { protocol: 'TCP', sourcePort: 80 },
    { protocol: 'TCP', sourcePort: { first: 1024, last: 2047 }, destinationPort: 80, keepsConnection: true },
    { protocol: 'TCP', sourcePorts: [1, 65_535] },
    { protocol: 'TCP', destinationPorts: [1] },
    { protocol: 'UDP', destinationPorts: Array.from({ length: 15 }, (_, n) => 65_535 - n) },
    { connection: 'NEW' },
    { connection: 'DNAT' },
    { toThisNode: true },
    { fromThisNode: true },
    { not: { toThisNode: true } },
    { not: { source: pods!, destination: services! } },
    { not: { source: NETWORKS[family][3]!, connection: 'NEW', mark: 0x4000, fromThisNode: true } },
    { not: { inInterface: 'cali+' } },
    { source: NETWORKS[family][3]! },
    { connection: ['RELATED', 'ESTABLISHED'] },
    { connection: 'INVALID' },
    { not: { connection: ['RELATED', 'ESTABLISHED', 'DNAT'] } },
    { mark: 0x4000 },
    { mark: 0x8000_0000 },
    ...[1, 2, 3, 7, 10, 99, 1000, 50_000].map(oneIn => ({ oneIn })),
    { recent: { list: 'KUBE-SEP-ABCDEFGHIJKLMNOP', action: 'set' } },
    { recent: { list: 'KUBE-SEP-ABCDEFGHIJKLMNOP', action: 'check', seconds: 10_800 } },
    { protocol: 'SCTP', destinationPort: 99 },
  ]
  const together: Rule = Object.assign({}, ...fields, { protocol: 'TCP', target: { kind: 'ACCEPT' } })
  const targets: readonly Rule[] = [
    { target: { kind: 'ACCEPT' } },
    { target: { kind: 'DROP' } },
    { target: { kind: 'RETURN' } },
    { target: { kind: 'jump', chain: 'KUBE-TEST-OTHER' } },
    { protocol: 'TCP', target: { kind: 'REJECT', with: 'tcp-reset' } },
    { target: { kind: 'REJECT', with: 'port-unreachable' } },
  ]
  return [...fields.map((field): Rule => ({ ...field, target: { kind: 'DROP' } })), together, ...targets]
}

function dnatRules(family: IpFamily): Rule[] {
  return [
    {
      protocol: 'TCP',
      target: { kind: 'DNAT', address: family === 'IPv4' ? '192.168.50.1' : 'fd00:50::1', port: 4000 },
    },
    { protocol: 'UDP', target: { kind: 'REDIRECT', port: 4000 } },
    { target: { kind: 'MARK', operation: 'set', bits: 0x4000 } },
    { target: { kind: 'MARK', operation: 'toggle', bits: 0x8000_0000 } },
  ]
}

function buildTrees(family: IpFamily, count: number): RuleTree[] {
  const ports = Array.from({ length: count }, (_, n) => ({ protocol: 'TCP' as const, port: 30_000 + 7 * n }))
  const addresses = Array.from({ length: count }, (_, n) =>
    // The long addresses get names with a hash.
    family === 'IPv4' ? `10.96.${n >> 8}.${n & 255}` : `fd00:1234:5678:9abc::${(n + 1).toString(16)}`,
  )
  const rules = Array.from({ length: 4 }, (_, n) => ({ ...dnatRules(family)[0]!, destinationPort: 80 + n }))
  return [
    addressTree(
      'KUBE-T-A-',
      addresses.map((address, n) => ({ address, rules: rules.slice(n % 4) })),
    ),
    portTree(
      'KUBE-T-P-',
      ports.map(port => ({ ...port, rules: dnatRules(family).slice(0, 1) })),
    ),
    new PortSetTree('KUBE-T-S-', { kind: 'RETURN' }).build(ports),
  ]
}

function ruleSet(family: IpFamily, count: number): RuleSet {
  const trees = buildTrees(family, count)
  const link: Rule = { connection: 'NEW', toThisNode: true, target: { kind: 'jump', chain: 'KUBE-TEST' } }
  const filter: TableRules = {
    chains: new Map([
      ['KUBE-TEST', everyField(family)],
      ['KUBE-TEST-OTHER', []],
    ]),
    links: [{ chain: 'INPUT', position: 'first', rule: link }],
  }
  const nat: TableRules = {
    chains: new Map<string, readonly Rule[]>([
      ['KUBE-TEST', [...trees.flatMap(({ root }) => root), ...dnatRules(family)]],
      ['KUBE-TEST-OUT', [true, false].map(randomPort => ({ target: { kind: 'MASQUERADE', randomPort } }))],
      ...trees.flatMap(({ chains }) => [...chains]),
    ]),
    links: [{ chain: 'PREROUTING', position: 'last', rule: link }],
    ownedPrefixes: ['KUBE-T-'],
  }
  return {
    family,
    tables: new Map([
      ['filter', filter],
      ['nat', nat],
    ]),
  }
}

for (const backEnd of ['nft', 'legacy'])
  for (const family of ['IPv4', 'IPv6'] as const) {
    const name = `${family === 'IPv4' ? 'iptables' : 'ip6tables'}-${backEnd}`
    void t.test(
      `${name} prints every kind of rule back as it was written`,
      { skip: namespacesUnavailable },
      async t => {
        const namespace = await NetworkNamespace.create(`kpn${process.pid}-${name}`)
        t.teardown(() => namespace.delete())
        const read = async (): Promise<ObservedRules> => {
          const saved = await Promise.all(['filter', 'nat'].map(table => namespace.run(`${name}-save`, ['-t', table])))
          return parseIptablesSave(saved.map(({ stdout }) => stdout).join(''))
        }
        const restore = async (text: string): Promise<void> => {
          const { exitCode, stderr } = await namespace.run(`${name}-restore`, ['--noflush'], { input: text })
          t.equal(exitCode, 0, stderr)
        }
        let expected: ObservedRules = new Map()
        // The set grows and shrinks: chains are added and deleted in the same text as the jumps to them.
        for (const count of [1000, 100, 101, 0, 300]) {
          const desired = ruleSet(family, count)
          await restore(restoreInput(desired, expected).text)
          expected = observedAfter(desired)
          const observed = await read()
          t.equal(restoreInput(desired, observed).text, '', `with ${count}, nothing differs`)
          const chains = [...desired.tables.get('nat')!.chains.keys()].sort()
          t.same([...observed.get('nat')!.keys()].filter(chain => chain.startsWith('KUBE-')).sort(), chains)
        }

        const one = ruleSet(family, 1)
        await restore(
          '*nat\n-A OUTPUT -j KUBE-T-P-tcp-30000-30063\n:KUBE-FOREIGN - [0:0]\nCOMMIT\n'.replace(
            'KUBE-T-P-tcp-30000-30063',
            [...expected.get('nat')!.keys()].find(chain => chain.startsWith('KUBE-T-P-'))!,
          ),
        )
        await restore(restoreInput(one, await read()).text)
        t.equal(
          restoreInput(one, await read()).text,
          '',
          'a chain that another program jumps to stays empty, and is no difference',
        )
        const branches = [...(await read()).get('nat')!.keys()].filter(chain => chain.startsWith('KUBE-T-'))
        const owned = new Map([
          ['nat', ['KUBE-TEST', 'KUBE-TEST-OUT', ...branches]],
          ['filter', ['KUBE-TEST', 'KUBE-TEST-OTHER']],
        ])
        await restore(removalInput(owned, await read()))
        const remaining = await read()
        t.same(
          [...remaining.values()].flatMap(table => [...table.keys()]).filter(chain => chain.startsWith('KUBE-')),
          ['KUBE-FOREIGN'],
        )
        t.same([...remaining.values()].flatMap(table => [...table.values()]).flat(), [], 'and no jump to them')
      },
    )
  }
