import t from 'tap'
import { ProxyPortFilter } from '../../../lib/modes/userspace/proxy-port-filter.js'
import { walkRules } from '../../netfilter/tree/walk-rules.js'

const SOURCE_RANGE = { family: 'IPv4', network: '192.0.2.0', bits: 24 } as const
const NODE = '192.168.50.1'

t.test('translated packets are let in, fifteen ports a rule; ports with source ranges have rules of their own', t => {
  const ports = Array.from(
    { length: 17 },
    (_, n) => ({ protocol: 'TCP', address: NODE, port: 40_000 + n, sourceRanges: undefined }) as const,
  )
  const firewalled = { protocol: 'TCP', address: NODE, port: 41_000, sourceRanges: [SOURCE_RANGE] } as const
  const chains = new Map(new ProxyPortFilter().build([...ports, firewalled, { ...ports[0]!, protocol: 'UDP' }]))
  t.strictSame(
    chains
      .get('KUBE-PROXY-PORTS')
      ?.map(({ source, protocol, destinationPort, destinationPorts, target }) => [
        source === undefined ? undefined : JSON.stringify(source),
        protocol,
        destinationPort ?? destinationPorts?.length,
        target.kind,
      ]),
    [
      [JSON.stringify(SOURCE_RANGE), 'TCP', 41_000, 'jump'],
      [undefined, 'TCP', 41_000, 'DROP'],
      [undefined, 'TCP', 15, 'jump'],
      [undefined, 'TCP', 2, 'jump'],
      [undefined, 'UDP', 1, 'jump'],
    ],
  )
  t.ok(
    chains.get('KUBE-PROXY-PORTS')?.every(({ destination }) => destination === NODE),
    'the rules do not match other listeners of the node',
  )
  t.strictSame(
    chains.get('KUBE-PROXY-DOOR')?.map(({ target }) => target.kind),
    ['ACCEPT', 'DROP', 'REJECT', 'REJECT'],
  )
  t.end()
})

t.test(
  'the clients of a NodePort with the number of its proxy port are let in untranslated, within the source ranges',
  t => {
    const port = { protocol: 'UDP', address: NODE, port: 30_080, sourceRanges: undefined } as const
    const firewalled = { ...port, port: 30_081, sourceRanges: [SOURCE_RANGE] }
    const built = new ProxyPortFilter().build([
      port,
      { ...port, isNodePort: true },
      { ...firewalled, isNodePort: true },
    ])
    const rules = new Map(built).get('KUBE-PROXY-PORTS')!
    t.strictSame(
      rules
        .slice(0, 2)
        .map(({ destination, protocol, destinationPort, source, target }) => [
          destination,
          protocol,
          destinationPort,
          source,
          target.kind,
        ]),
      [
        [NODE, 'UDP', 30_080, undefined, 'ACCEPT'],
        [NODE, 'UDP', 30_081, SOURCE_RANGE, 'ACCEPT'],
      ],
    )
    t.notOk(rules.slice(2).some(({ target }) => target.kind === 'ACCEPT'))
    t.end()
  },
)

t.test('a packet meets few rules, however many proxy ports have source ranges', t => {
  const ports = Array.from({ length: 3000 }, (_, n) => {
    const sourceRanges =
      n % 2 === 0 ? undefined : [SOURCE_RANGE, { family: 'IPv4', network: `198.51.${n >> 8}.0`, bits: 24 } as const]
    return { protocol: 'TCP', address: NODE, port: 33_000 + 7 * n, sourceRanges } as const
  })
  const chains = new Map(new ProxyPortFilter().build([...ports, ...ports]))
  const tree = { root: chains.get('KUBE-PROXY-PORTS')!, chains }
  const firewalled = ports[2345]!.port
  for (const [name, address, port, source, verdict] of [
    ['a client in the ranges', NODE, firewalled, '192.0.2.77', 'ACCEPT'],
    ['a client in another of them', NODE, firewalled, '198.51.9.1', 'ACCEPT'],
    ['a client in the ranges of another port', NODE, firewalled, '198.51.8.1', 'DROP'],
    ['a port without ranges', NODE, ports[2346]!.port, '203.0.113.99', 'ACCEPT'],
    ['a port of that number elsewhere', '10.9.9.9', firewalled, '203.0.113.99', undefined],
    ['a port that is not a proxy port', NODE, firewalled + 1, '192.0.2.77', undefined],
    ['another port of the node', NODE, 22, '192.0.2.77', undefined],
  ] as const) {
    const { matched, compared } = walkRules(tree, { address, protocol: 'TCP', port, source })
    t.equal(matched?.target.kind, verdict, name)
    t.ok(compared <= 100, `${name}: ${compared} rules`)
  }
  t.end()
})

t.test('while the node changes its address, packets are let in at both addresses', t => {
  const both = [NODE, '10.0.0.5'].flatMap(address => [
    { protocol: 'TCP', address, port: 40_000, sourceRanges: [SOURCE_RANGE] } as const,
    { protocol: 'TCP', address, port: 40_001, sourceRanges: undefined } as const,
  ])
  const filter = new ProxyPortFilter()
  for (const proxyPorts of [both.slice(0, 2), both, both.slice(2)]) {
    const chains = new Map(filter.build(proxyPorts))
    t.strictSame(
      chains,
      new Map(new ProxyPortFilter().build([...proxyPorts].reverse())),
      'the same as from an empty filter',
    )
    for (const { address, port } of both) {
      const walked = walkRules(
        { root: chains.get('KUBE-PROXY-PORTS')!, chains },
        { address, protocol: 'TCP', port, source: '192.0.2.77' },
      )
      t.equal(
        walked.matched !== undefined,
        proxyPorts.some(proxyPort => proxyPort.address === address),
        `${address}:${port}`,
      )
    }
  }
  t.end()
})
