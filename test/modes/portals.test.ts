import t from 'tap'
import { type ServicePort } from '../../lib/model/service-port.js'
import { type ServedPort } from '../../lib/model/snapshot.js'
import { DoorChains } from '../../lib/modes/userspace/door-chains.js'
import { PortalBook } from '../../lib/modes/portal-book.js'
import { PortalRules } from '../../lib/modes/userspace/portal-rules.js'
import { portalsOf } from '../../lib/modes/portals.js'
import { endpointOf } from '../support/endpoint-of.js'
import { servicePortOf } from '../support/service-port-of.js'
import { walkRules } from '../rules/walk-rules.js'

const RANGE = { family: 'IPv4', network: '192.0.2.0', bits: 24 } as const
const NODE = '192.168.50.1'

const endpoint = endpointOf('10.244.0.5', { isLocal: true })
const HERE = { cluster: [endpoint], local: [endpoint], hasAny: true }
const ELSEWHERE = { cluster: [endpoint], local: [], hasAny: true }
const NOWHERE = { cluster: [], local: [], hasAny: false }

const DROPPED = { fromNode: 'drop', fromPods: 'drop', fromElsewhere: 'drop' } as const

const served = (servicePort: ServicePort, usable: ServedPort['usable'] = HERE): ServedPort => ({
  servicePort,
  endpoints: [],
  usable,
})
t.test('portals are the same objects while nothing about them changes, whatever becomes of endpoints', t => {
  const book = new PortalBook()
  const [a, b] = [
    servicePortOf({ name: 'a' }),
    servicePortOf({ name: 'b', clusterIP: '10.96.0.11', internalPolicyLocal: true }),
  ]
  const first = book.settle([served(a), served(b)])
  t.equal(book.settle([served(a, NOWHERE), served(b)]), first)
  const dropped = book.settle([served(a), served(b, ELSEWHERE)])
  t.not(dropped, first)
  t.equal(dropped.served[0], first.served[0])
  t.equal(dropped.served[1]?.fromPods, 'drop')
  t.end()
})

t.test('doors open for what was translated, by fifteen ports in a rule, and for ranges by each of them', t => {
  const ports = Array.from(
    { length: 17 },
    (_, n) => ({ protocol: 'TCP', address: NODE, port: 40_000 + n, clients: undefined }) as const,
  )
  const ranged = { protocol: 'TCP', address: NODE, port: 41_000, clients: [RANGE] } as const
  const chains = new Map(new DoorChains().of([...ports, ranged, { ...ports[0]!, protocol: 'UDP' }]))
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
      [JSON.stringify(RANGE), 'TCP', 41_000, 'jump'],
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
      const clients =
        n % 2 === 0 ? undefined : [RANGE, { family: 'IPv4', network: `198.51.${n >> 8}.0`, bits: 24 } as const]
      return { protocol: 'TCP', address: NODE, port: 33_000 + 7 * n, clients } as const
    })
    const chains = new Map(new DoorChains().of([...ports, ...ports]))
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
      const { met, compared } = walkRules(tree, { address, protocol: 'TCP', port, source })
      t.equal(met?.target.kind, verdict, name)
      t.ok(compared <= 100, `${name}: ${compared} rules`)
    }
    t.end()
  },
)

t.test('while the node changes its address, a proxy port has its doors at both', t => {
  const both = [NODE, '10.0.0.5'].flatMap(address => [
    { protocol: 'TCP', address, port: 40_000, clients: [RANGE] } as const,
    { protocol: 'TCP', address, port: 40_001, clients: undefined } as const,
  ])
  const doors = new DoorChains()
  for (const proxyPorts of [both.slice(0, 2), both, both.slice(2)]) {
    const chains = new Map(doors.of(proxyPorts))
    t.strictSame(chains, new Map(new DoorChains().of([...proxyPorts].reverse())), 'whatever there was before')
    for (const { address, port } of both) {
      const walked = walkRules(
        { root: chains.get('KUBE-PROXY-PORTS')!, chains },
        { address, protocol: 'TCP', port, source: '192.0.2.77' },
      )
      t.equal(
        walked.met !== undefined,
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
    return portalsOf(served(servicePortOf(given))).map(portal => ({
      portal,
      fromNode: target,
      fromPods: target,
      fromElsewhere: target,
    }))
  }
  const door = (port: number) => ({ protocol: 'TCP', address: NODE, port, clients: undefined }) as const
  const all = Array.from({ length: 2700 }, (_, n) => ({ led: led(n, 35_000 + n), door: door(35_000 + n) }))
  const rules = new PortalRules('IPv4')
  const chainsOf = (of: PortalRules, services: typeof all) => {
    const { tables } = of.of({
      portals: services.flatMap(({ led }) => led),
      surroundings: { fromPods: [], nodePortAddresses: undefined },
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
    chainsOf(new PortalRules('IPv4'), [...one].reverse()),
    'and all say what they would say made anew',
  )
  t.end()
})

t.test('packets to thousands of Services whose endpoints are elsewhere, and all others, meet few rules', t => {
  const led = Array.from({ length: 3000 }, (_, n) => {
    const [high, low] = [n >> 8, n & 255]
    const given = { name: `web-${n}`, clusterIP: `10.96.${high}.${low}`, externalIPs: [`203.0.${high}.${low}`] }
    const local = servicePortOf({ ...given, nodePort: 30_000 + (n % 2700), externalPolicyLocal: true })
    return portalsOf(served(local, ELSEWHERE)).map(portal => ({ portal, ...DROPPED }))
  }).flat()
  const surroundings = { fromPods: [], nodePortAddresses: undefined }
  const { chains, links } = new PortalRules('IPv4')
    .of({ portals: led, surroundings, proxyPorts: [] })
    .tables.get('filter')!
  const tree = { root: chains.get('KUBE-PORTALS-DROP')!, chains }
  for (const [name, address, port, isDropped] of [
    ['an external IP', '203.0.5.77', 80, true],
    ['another port there', '203.0.5.77', 81, false],
    ['a node port', NODE, 31_234, true],
    ['another port of the node', NODE, 22, false],
  ] as const) {
    const { met, compared } = walkRules(tree, { address, protocol: 'TCP', port })
    t.equal(met?.target.kind === 'DROP', isDropped, name)
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
