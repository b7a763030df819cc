import t from 'tap'
import { type ServicePort } from '../../../lib/model/service-port.js'
import { type ServedPort } from '../../../lib/model/snapshot.js'
import { ProxyPortFilter } from '../../../lib/modes/userspace/proxy-port-filter.js'
import { FrontendCache } from '../../../lib/frontends/frontend-cache.js'
import { FrontendRules } from '../../../lib/modes/userspace/frontend-rules.js'
import { frontendsOf } from '../../../lib/frontends/frontend.js'
import { makeEndpoint } from '../../support/model/make-endpoint.js'
import { makeServicePort } from '../../support/model/make-service-port.js'
import { walkRules } from '../../netfilter/tree/walk-rules.js'

const SOURCE_RANGE = { family: 'IPv4', network: '192.0.2.0', bits: 24 } as const
const NODE = '192.168.50.1'

const endpoint = makeEndpoint('10.244.0.5', { isLocal: true })
const LOCAL_ENDPOINTS = { cluster: [endpoint], local: [endpoint], hasAny: true }
const REMOTE_ENDPOINTS = { cluster: [endpoint], local: [], hasAny: true }
const NO_ENDPOINTS = { cluster: [], local: [], hasAny: false }

const DROPPED = { fromNode: 'drop', fromPods: 'drop', fromExternal: 'drop' } as const

const servedPort = (servicePort: ServicePort, usable: ServedPort['usable'] = LOCAL_ENDPOINTS): ServedPort => ({
  servicePort,
  endpoints: [],
  usable,
})
t.test('portals are the same objects while nothing about them changes, whatever becomes of endpoints', t => {
  const book = new FrontendCache()
  const [a, b] = [
    makeServicePort({ name: 'a' }),
    makeServicePort({ name: 'b', clusterIP: '10.96.0.11', internalPolicyLocal: true }),
  ]
  const first = book.resolve([servedPort(a), servedPort(b)])
  t.equal(book.resolve([servedPort(a, NO_ENDPOINTS), servedPort(b)]), first)
  const dropped = book.resolve([servedPort(a), servedPort(b, REMOTE_ENDPOINTS)])
  t.not(dropped, first)
  t.equal(dropped.served[0], first.served[0])
  t.equal(dropped.served[1]?.fromPods, 'drop')
  t.end()
})

t.test('doors open for what was translated, by fifteen ports in a rule, and for ranges by each of them', t => {
  const ports = Array.from(
    { length: 17 },
    (_, n) => ({ protocol: 'TCP', address: NODE, port: 40_000 + n, sourceRanges: undefined }) as const,
  )
  const ranged = { protocol: 'TCP', address: NODE, port: 41_000, sourceRanges: [SOURCE_RANGE] } as const
  const chains = new Map(new ProxyPortFilter().build([...ports, ranged, { ...ports[0]!, protocol: 'UDP' }]))
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
    'other listeners of the node are not concerned',
  )
  t.strictSame(
    chains.get('KUBE-PROXY-DOOR')?.map(({ target }) => target.kind),
    ['ACCEPT', 'REJECT', 'REJECT'],
  )
  t.end()
})

t.test(
  'packets to a proxy port with source ranges, and all others, meet few rules however many such ports there are',
  t => {
    const ports = Array.from({ length: 3000 }, (_, n) => {
      const sourceRanges =
        n % 2 === 0 ? undefined : [SOURCE_RANGE, { family: 'IPv4', network: `198.51.${n >> 8}.0`, bits: 24 } as const]
      return { protocol: 'TCP', address: NODE, port: 33_000 + 7 * n, sourceRanges } as const
    })
    const chains = new Map(new ProxyPortFilter().build([...ports, ...ports]))
    const tree = { root: chains.get('KUBE-PROXY-PORTS')!, chains }
    const ranged = ports[2345]!.port
    for (const [name, address, port, source, verdict] of [
      ['a client in the ranges', NODE, ranged, '192.0.2.77', 'ACCEPT'],
      ['a client in another of them', NODE, ranged, '198.51.9.1', 'ACCEPT'],
      ['a client in the ranges of another port', NODE, ranged, '198.51.8.1', 'DROP'],
      ['a port without ranges', NODE, ports[2346]!.port, '203.0.113.99', 'ACCEPT'],
      ['a port of that number elsewhere', '10.9.9.9', ranged, '203.0.113.99', undefined],
      ['a port that is none of ours', NODE, ranged + 1, '192.0.2.77', undefined],
      ['another port of the node', NODE, 22, '192.0.2.77', undefined],
    ] as const) {
      const { matched, compared } = walkRules(tree, { address, protocol: 'TCP', port, source })
      t.equal(matched?.target.kind, verdict, name)
      t.ok(compared <= 100, `${name}: ${compared} rules`)
    }
    t.end()
  },
)

t.test('while the node changes its address, a proxy port has its doors at both', t => {
  const both = [NODE, '10.0.0.5'].flatMap(address => [
    { protocol: 'TCP', address, port: 40_000, sourceRanges: [SOURCE_RANGE] } as const,
    { protocol: 'TCP', address, port: 40_001, sourceRanges: undefined } as const,
  ])
  const doors = new ProxyPortFilter()
  for (const proxyPorts of [both.slice(0, 2), both, both.slice(2)]) {
    const chains = new Map(doors.build(proxyPorts))
    t.strictSame(chains, new Map(new ProxyPortFilter().build([...proxyPorts].reverse())), 'whatever there was before')
    for (const { address, port } of both) {
      const walked = walkRules(
        { root: chains.get('KUBE-PROXY-PORTS')!, chains },
        { address, protocol: 'TCP', port, source: '192.0.2.77' },
      )
      t.equal(
        walked.matched !== undefined,
        proxyPorts.some(door => door.address === address),
        `${address}:${port}`,
      )
    }
  }
  t.end()
})

t.test('a change of one Service leaves the chains of all others the same objects', t => {
  const led = (n: number, proxyPort: number) => {
    // Two of them share an address, as ports of one Service do.
    const clusterIP = `10.96.${n >> 9}.${(n >> 1) & 255}`
    const given = { name: `web-${n}`, clusterIP, port: 80 + (n & 1), nodePort: 30_000 + n }
    const target = { address: NODE, port: proxyPort }
    return frontendsOf(servedPort(makeServicePort(given))).map(portal => ({
      frontend: portal,
      fromNode: target,
      fromPods: target,
      fromExternal: target,
    }))
  }
  const door = (port: number) => ({ protocol: 'TCP', address: NODE, port, sourceRanges: undefined }) as const
  const all = Array.from({ length: 2700 }, (_, n) => ({ led: led(n, 35_000 + n), door: door(35_000 + n) }))
  const rules = new FrontendRules('IPv4')
  const chainsOf = (of: FrontendRules, services: typeof all) => {
    const { tables } = of.build({
      frontends: services.flatMap(({ led }) => led),
      localTraffic: { localMatches: [], nodePortAddresses: undefined },
      proxyPorts: services.map(({ door }) => door),
    })
    return new Map([...tables.values()].flatMap(({ chains }) => [...chains]))
  }
  const before = chainsOf(rules, all)
  const one = [...all]
  one[1234] = { led: led(1234, 50_000), door: door(50_000) }
  const after = chainsOf(rules, one)
  const others = [...after].filter(([name, chain]) => before.get(name) !== chain).map(([name]) => name)
  const byName = others.filter(name => !/^KUBE-(PORTALS|NODEPORT|PROXY)-/.test(name)).sort()
  t.ok(byName.length <= 8, `${byName.join(' ')} of ${after.size}`)
  t.ok(byName.includes('KUBE-ADDR-10.96.2.96/28'))
  t.strictSame(
    after,
    chainsOf(new FrontendRules('IPv4'), [...one].reverse()),
    'and all say what they would say made anew',
  )
  t.end()
})

t.test('packets to thousands of Services whose endpoints are elsewhere, and all others, meet few rules', t => {
  const led = Array.from({ length: 3000 }, (_, n) => {
    const [high, low] = [n >> 8, n & 255]
    const given = { name: `web-${n}`, clusterIP: `10.96.${high}.${low}`, externalIPs: [`203.0.${high}.${low}`] }
    const local = makeServicePort({ ...given, nodePort: 30_000 + (n % 2700), externalPolicyLocal: true })
    return frontendsOf(servedPort(local, REMOTE_ENDPOINTS)).map(portal => ({ frontend: portal, ...DROPPED }))
  }).flat()
  const localTraffic = { localMatches: [], nodePortAddresses: undefined }
  const { chains, links } = new FrontendRules('IPv4')
    .build({ frontends: led, localTraffic, proxyPorts: [] })
    .tables.get('filter')!
  const tree = { root: chains.get('KUBE-PORTALS-DROP')!, chains }
  for (const [name, address, port, isDropped] of [
    ['an external IP', '203.0.5.77', 80, true],
    ['another port there', '203.0.5.77', 81, false],
    ['a node port', NODE, 31_234, true],
    ['another port of the node', NODE, 22, false],
  ] as const) {
    const { matched, compared } = walkRules(tree, { address, protocol: 'TCP', port })
    t.equal(matched?.target.kind === 'DROP', isDropped, name)
    t.ok(compared <= 130, `${name}: ${compared} rules`)
  }
  const toDrops = links.filter(({ rule }) => rule.target.kind === 'jump' && rule.target.chain === 'KUBE-PORTALS-DROP')
  t.strictSame(
    toDrops.map(({ chain, rule }) => [chain, rule.connection]),
    [
      ['INPUT', 'NEW'],
      ['FORWARD', 'NEW'],
      ['OUTPUT', 'NEW'],
    ],
    'a connection that goes on meets none',
  )
  t.end()
})
