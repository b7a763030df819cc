import t from 'tap'
import { type Endpoint } from '../../lib/model/endpoint.js'
import { type ServicePort } from '../../lib/model/service-port.js'
import { type ServedPort } from '../../lib/model/snapshot.js'
import { settleClaims } from '../../lib/modes/userspace/claims.js'
import { doorChains } from '../../lib/modes/userspace/door-chains.js'
import { clientsOfEntrance, entrancesOf } from '../../lib/modes/userspace/entrance.js'
import { PortalBook } from '../../lib/modes/userspace/portal-book.js'
import { portalRules } from '../../lib/modes/userspace/portal-rules.js'
import { type Portal, portalsOf } from '../../lib/modes/userspace/portals.js'
import { parseSaveText } from '../../lib/rules/found-rules.js'
import { restoreText } from '../../lib/rules/restore-text.js'
import { KernelRules } from '../support/kernel-rules.js'
import { servicePortOf } from '../support/service-port-of.js'
import { type Packet, tracePacket } from '../support/trace-packet.js'
import { walkRules } from '../rules/walk-rules.js'

const RANGE = { family: 'IPv4', network: '192.0.2.0', bits: 24 } as const
const NODE = '192.168.50.1'

const endpoint: Endpoint = {
  ip: '10.244.0.5',
  port: 8080,
  ready: true,
  serving: true,
  terminating: false,
  isLocal: true,
  zoneHints: [],
  nodeHints: [],
}
const HERE = { cluster: [endpoint], local: [endpoint], hasAny: true }
const ELSEWHERE = { cluster: [endpoint], local: [], hasAny: true }
const NOWHERE = { cluster: [], local: [], hasAny: false }

const DROPPED = { fromNode: 'drop', fromPods: 'drop', fromElsewhere: 'drop' } as const

const served = (servicePort: ServicePort, usable: ServedPort['usable'] = HERE): ServedPort => ({
  servicePort,
  endpoints: [],
  usable,
})
/** What becomes of packets, as `from the node / from Pods / from elsewhere`. */
const actions = (portals: readonly Portal[]) =>
  Object.fromEntries(
    portals.map(({ name, fromNode, fromPods, fromElsewhere }) => [
      name,
      `${fromNode} / ${fromPods} / ${fromElsewhere}`,
    ]),
  )

const OUTSIDE = { nodePort: 30080, externalIPs: ['203.0.113.7'], loadBalancerIPs: ['198.51.100.9'] }
const CLUSTER_IP = 'cluster IP 10.96.0.10:80/TCP'
const EXTERNAL = 'external IP 203.0.113.7:80/TCP'
const BALANCED = 'load-balancer IP 198.51.100.9:80/TCP'
const NODE_PORT = 'node port 30080/TCP'
const ALL = 'cluster / cluster / cluster'

t.test('what becomes of a packet depends on its address, its origin and the policies', t => {
  for (const [name, given, usable, expected] of [
    ['a ClusterIP alone', {}, HERE, { [CLUSTER_IP]: ALL }],
    ['all addresses', OUTSIDE, HERE, { [CLUSTER_IP]: ALL, [EXTERNAL]: ALL, [BALANCED]: ALL, [NODE_PORT]: ALL }],
    ['internal policy Local', { internalPolicyLocal: true }, HERE, { [CLUSTER_IP]: 'local / local / local' }],
    [
      'internal policy Local, endpoints elsewhere',
      { internalPolicyLocal: true },
      ELSEWHERE,
      { [CLUSTER_IP]: 'drop / drop / drop' },
    ],
    [
      'internal policy Local, no endpoints',
      { internalPolicyLocal: true },
      NOWHERE,
      { [CLUSTER_IP]: 'local / local / local' },
    ],
    [
      'external policy Local',
      { ...OUTSIDE, externalPolicyLocal: true },
      HERE,
      {
        [CLUSTER_IP]: ALL,
        [EXTERNAL]: 'cluster / cluster / local',
        [BALANCED]: 'cluster / cluster / local',
        [NODE_PORT]: 'cluster / cluster / local',
      },
    ],
    [
      'external policy Local, endpoints elsewhere',
      { ...OUTSIDE, externalPolicyLocal: true },
      ELSEWHERE,
      {
        [CLUSTER_IP]: ALL,
        [EXTERNAL]: 'cluster / cluster / drop',
        [BALANCED]: 'cluster / cluster / drop',
        [NODE_PORT]: 'cluster / cluster / drop',
      },
    ],
    [
      'external policy Local, no endpoints',
      { nodePort: 30080, externalPolicyLocal: true },
      NOWHERE,
      { [CLUSTER_IP]: ALL, [NODE_PORT]: 'cluster / cluster / local' },
    ],
    [
      'source ranges, which concern load-balancer IPs only',
      { ...OUTSIDE, sourceRanges: [RANGE] },
      HERE,
      { [CLUSTER_IP]: ALL, [EXTERNAL]: ALL, [BALANCED]: 'ranged / ranged / ranged', [NODE_PORT]: ALL },
    ],
    [
      'source ranges, which concern the node port too',
      { ...OUTSIDE, sourceRanges: [RANGE], rangesAtNodePort: true, externalPolicyLocal: true },
      HERE,
      {
        [CLUSTER_IP]: ALL,
        [EXTERNAL]: 'cluster / cluster / local',
        [BALANCED]: 'ranged / ranged / ranged-local',
        [NODE_PORT]: 'ranged / ranged / ranged-local',
      },
    ],
    [
      'source ranges for a node port alone',
      { nodePort: 30080, sourceRanges: [RANGE], rangesAtNodePort: true },
      HERE,
      { [CLUSTER_IP]: ALL, [NODE_PORT]: 'ranged / ranged / ranged' },
    ],
    [
      'source ranges and external policy Local',
      { ...OUTSIDE, sourceRanges: [RANGE], externalPolicyLocal: true },
      HERE,
      {
        [CLUSTER_IP]: ALL,
        [EXTERNAL]: 'cluster / cluster / local',
        [BALANCED]: 'ranged / ranged / ranged-local',
        [NODE_PORT]: 'cluster / cluster / local',
      },
    ],
  ] as const) {
    const portals = portalsOf(served(servicePortOf(given), usable))
    t.strictSame(actions(portals), expected, name)
    const wanted = new Set(
      portals.flatMap(({ fromNode, fromPods, fromElsewhere }) => [fromNode, fromPods, fromElsewhere]),
    )
    wanted.delete('drop')
    const entrances = new Set(entrancesOf(servicePortOf(given)))
    t.ok(
      [...wanted].every(entrance => entrances.has(entrance as 'cluster')),
      `${name}: every entrance is open`,
    )
  }
  t.end()
})

t.test(
  'source ranges are those of the Service, and let in the node by an address of its own where it is in them',
  t => {
    const ranged = servicePortOf({ loadBalancerIPs: ['198.51.100.9'], sourceRanges: [RANGE] })
    t.strictSame(clientsOfEntrance(ranged, 'ranged', NODE), [RANGE])
    t.strictSame(clientsOfEntrance(ranged, 'cluster', NODE), undefined)
    t.strictSame(clientsOfEntrance(ranged, 'ranged', '192.0.2.1'), [
      RANGE,
      { family: 'IPv4', network: '198.51.100.9', bits: 32 },
    ])
    t.strictSame(clientsOfEntrance(servicePortOf({ sourceRanges: [] }), 'ranged', NODE), [], 'nobody')
    t.end()
  },
)

t.test('of two Services that claim one address the older one gets it, and of two of one age the first by name', t => {
  const portals = (...ports: readonly ServicePort[]) => ports.flatMap(given => portalsOf(served(given)))
  const a = servicePortOf({ name: 'a', nodePort: 30080, createdAt: 2 })
  const b = servicePortOf({ name: 'b', clusterIP: '10.96.0.11', nodePort: 30080, createdAt: 1 })
  const { served: won, conflicts } = settleClaims(portals(a, b))
  t.strictSame(
    won.map(({ servicePort, name }) => `${servicePort.name} ${name}`),
    ['a cluster IP 10.96.0.10:80/TCP', 'b cluster IP 10.96.0.11:80/TCP', 'b node port 30080/TCP'],
  )
  t.strictSame(
    conflicts.map(({ portal, winner }) => `${portal.servicePort.name} lost to ${winner.servicePort.name}`),
    ['a lost to b'],
  )
  const same = settleClaims(portals({ ...b, createdAt: 2 }, a))
  t.equal(same.served.find(({ address }) => address === undefined)?.servicePort.name, 'a')
  const apart = servicePortOf({ name: 'c', clusterIP: '10.96.0.12', protocol: 'UDP', nodePort: 30080 })
  t.strictSame(settleClaims(portals(a, apart)).conflicts, [], 'TCP and UDP are different ports')
  t.end()
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

t.test('rules lead packets where their origin sends them', t => {
  const local = servicePortOf({ ...OUTSIDE, externalPolicyLocal: true })
  const targets = {
    cluster: { address: NODE, port: 40_000 },
    local: { address: NODE, port: 40_001 },
    drop: 'drop',
  } as const
  const led = (usable: ServedPort['usable']) =>
    portalsOf(served(local, usable)).map(portal => ({
      portal,
      fromNode: targets[portal.fromNode as 'cluster'],
      fromPods: targets[portal.fromPods as 'cluster'],
      fromElsewhere: targets[portal.fromElsewhere as 'cluster'],
    }))
  const pods = { fromPods: [{ source: { family: 'IPv4', network: '10.244.0.0', bits: 16 } }] } as const
  const kernelOf = (usable: ServedPort['usable'], nodePortAddresses: readonly string[] | undefined = undefined) => {
    const kernel = new KernelRules()
    const rules = portalRules('IPv4', {
      portals: led(usable),
      surroundings: { ...pods, nodePortAddresses },
      proxyPorts: [],
    })
    kernel.restore(restoreText(rules, parseSaveText(kernel.save())).text)
    t.equal(restoreText(rules, parseSaveText(kernel.save())).text, '', 'written once, right for good')
    return kernel
  }
  const packet = (given: Partial<Packet>): Packet => ({
    hook: 'PREROUTING',
    protocol: 'tcp',
    destination: '198.51.100.9',
    port: 80,
    source: '203.0.113.99',
    local: [NODE, '10.0.0.5'],
    ...given,
  })
  const pod = { source: '10.244.3.4' }
  const nodePort = { destination: NODE, port: 30080 }
  const here = kernelOf(HERE)
  const elsewhere = kernelOf(ELSEWHERE)
  const chosen = kernelOf(HERE, ['10.0.0.5'])
  for (const [name, kernel, given, verdict] of [
    ['a stranger', here, {}, `${NODE}:40001`],
    ['a Pod', here, pod, `${NODE}:40000`],
    ['the node', here, { hook: 'OUTPUT', source: NODE }, `${NODE}:40000`],
    ['a stranger at the node port', here, nodePort, `${NODE}:40001`],
    ['a Pod at the node port', here, { ...nodePort, ...pod }, `${NODE}:40000`],
    ['a port of that number elsewhere', here, { ...nodePort, destination: '10.9.9.9' }, 'untouched'],
    [
      'loopback at the node port, which a listener serves',
      here,
      { ...nodePort, hook: 'OUTPUT', source: '127.0.0.1', destination: '127.0.0.1', local: ['127.0.0.1'] },
      'untouched',
    ],
    ['a stranger, endpoints elsewhere', elsewhere, {}, 'dropped'],
    ['a stranger at the node port, endpoints elsewhere', elsewhere, nodePort, 'dropped'],
    [
      'a port of that number elsewhere, endpoints elsewhere',
      elsewhere,
      { ...nodePort, destination: '10.9.9.9' },
      'untouched',
    ],
    ['a Pod, endpoints elsewhere', elsewhere, pod, `${NODE}:40000`],
    ['the node, endpoints elsewhere', elsewhere, { hook: 'OUTPUT', source: NODE }, `${NODE}:40000`],
    ['a node port at an address that was chosen', chosen, { ...nodePort, destination: '10.0.0.5' }, `${NODE}:40001`],
    ['a node port at another address', chosen, nodePort, 'untouched'],
  ] as const) {
    t.equal(tracePacket(kernel, packet(given)), verdict, name)
  }
  t.end()
})

t.test('doors open for what was translated, by fifteen ports in a rule, and for ranges by each of them', t => {
  const ports = Array.from(
    { length: 17 },
    (_, n) => ({ protocol: 'TCP', address: NODE, port: 40_000 + n, clients: undefined }) as const,
  )
  const ranged = { protocol: 'TCP', address: NODE, port: 41_000, clients: [RANGE] } as const
  const chains = new Map(doorChains([...ports, ranged, { ...ports[0]!, protocol: 'UDP' }]))
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

t.test('packets to thousands of Services whose endpoints are elsewhere, and all others, meet few rules', t => {
  const led = Array.from({ length: 3000 }, (_, n) => {
    const [high, low] = [n >> 8, n & 255]
    const given = { name: `web-${n}`, clusterIP: `10.96.${high}.${low}`, externalIPs: [`203.0.${high}.${low}`] }
    const local = servicePortOf({ ...given, nodePort: 30_000 + (n % 2700), externalPolicyLocal: true })
    return portalsOf(served(local, ELSEWHERE)).map(portal => ({ portal, ...DROPPED }))
  }).flat()
  const surroundings = { fromPods: [], nodePortAddresses: undefined }
  const { chains, links } = portalRules('IPv4', { portals: led, surroundings, proxyPorts: [] }).tables.get('filter')!
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
