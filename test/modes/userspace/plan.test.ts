import t from 'tap'
import { type ListenerSpec } from '../../../lib/dataplane/listener-plan.js'
import { type Protocol } from '../../../lib/model/protocol.js'
import { type ServicePort } from '../../../lib/model/service-port.js'
import { type ServedPort, type ServiceSnapshot } from '../../../lib/model/snapshot.js'
import { listenerSpecs } from '../../../lib/modes/userspace/plan.js'
import { PortAllocator } from '../../../lib/modes/userspace/port-allocator.js'
import { frontendsOf } from '../../../lib/frontends/frontend.js'
import { observedProxyPorts, frontendKey } from '../../../lib/modes/userspace/observed-proxy-ports.js'
import { FrontendRules } from '../../../lib/modes/userspace/frontend-rules.js'
import { parseIptablesSave } from '../../../lib/netfilter/iptables-save.js'
import { restoreInput } from '../../../lib/netfilter/iptables-restore.js'
import { failAndEndTest } from '../../support/checks/fail-and-end-test.js'
import { makeEndpoint } from '../../support/model/make-endpoint.js'
import { MemoryTables } from '../../support/kernel/memory-tables.js'
import { makeServicePort } from '../../support/model/make-service-port.js'
import { randomInt, testSeed, seededRandom } from '../../support/checks/seeded-random.js'
import { tracePacket } from '../../support/kernel/trace-packet.js'

const CLUSTER = [makeEndpoint('10.244.0.5'), makeEndpoint('10.244.1.5')]
const LOCAL = [makeEndpoint('10.244.0.5')]

function servedPort(given: Partial<ServicePort> = {}, usable?: ServedPort['usable']): ServedPort {
  return {
    servicePort: makeServicePort({ portName: 'http', ...given }),
    endpoints: CLUSTER,
    usable: usable ?? { cluster: CLUSTER, local: LOCAL, hasAny: true },
  }
}

/** How listeners are planned, but for what a test is about. */
function planOptions(claimPort: () => number | undefined, address = NODE) {
  return { getListenAddress: () => address, claimPort, hasNodePort: () => false, localhostNodePorts: () => true }
}

function snapshot(...ports: readonly ServedPort[]): ServiceSnapshot {
  return { generation: 1, ports: new Map(ports.map(port => [port.servicePort.key, port])) }
}

const NODE = '192.168.50.1'
const KEY = makeServicePort({ portName: 'http' }).key

void t.test('A claimed port stays with its owner until it is released', t => {
  const ports = new PortAllocator({ first: 100, last: 102 }, () => 0)
  t.equal(ports.claim('a'), 100)
  t.equal(ports.claim('b'), 101)
  t.equal(ports.claim('a'), 100)
  t.equal(ports.claim('c'), 102)
  t.equal(ports.claim('d'), undefined, 'none is left')
  t.equal(ports.claim('d'), undefined)
  ports.release('b')
  t.equal(ports.claim('d'), 101)
  ports.release('nobody')
  t.equal(ports.claim('e'), undefined)
  t.end()
})

void t.test('A port that was refused is not given out again while there is another', t => {
  const ports = new PortAllocator({ first: 100, last: 102 }, () => 0)
  t.equal(ports.claim('a'), 100)
  ports.refuse('a')
  t.equal(ports.claim('a'), 101)
  t.equal(ports.claim('b'), 102)
  t.equal(ports.claim('c'), undefined)
  t.equal(ports.claim('c'), 100, 'whoever held it may be gone by now')
  ports.refuse('nobody')
  t.equal(ports.claim('c'), 100)
  t.end()
})

void t.test('A preferred port is claimed if it may be used and nobody has it', t => {
  const ports = new PortAllocator({ first: 100, last: 102 }, () => 0)
  ports.prefer('a', 102)
  t.equal(ports.claim('a'), 102)
  ports.prefer('b', 102)
  t.equal(ports.claim('b'), 100, 'another one has it')
  ports.prefer('b', 101)
  t.equal(ports.claim('b'), 100, 'it has one already')
  ports.prefer('c', 99)
  t.equal(ports.claim('c'), 101, 'it is out of the range')
  ports.release('a')
  ports.prefer('d', 102)
  t.equal(ports.claim('d'), 102)
  ports.refuse('d')
  ports.prefer('e', 102)
  t.equal(ports.claim('e'), undefined, 'it was refused')
  t.end()
})

void t.test('Without a range the kernel chooses, except for a port that was held before a restart', t => {
  const ports = new PortAllocator(undefined, () => 0)
  t.equal(ports.claim('a'), 0)
  t.equal(ports.claim('b'), 0)
  ports.prefer('c', 41_000)
  t.equal(ports.claim('c'), 41_000)
  ports.prefer('d', 41_000)
  t.equal(ports.claim('d'), 0)
  ports.refuse('c')
  t.equal(ports.claim('c'), 0)
  t.end()
})

const seed = testSeed()

void t.test(`Ports are given out in random order, each once, to the last one (SEED=${seed})`, t => {
  const ports = new PortAllocator({ first: 1, last: 100 }, seededRandom(seed))
  const all = (): (number | undefined)[] => Array.from({ length: 100 }, (_, i) => ports.claim(`s${i}`))
  const first = all()
  t.same(
    [...first].sort((a, b) => a! - b!),
    Array.from({ length: 100 }, (_, i) => i + 1),
  )
  t.equal(ports.claim('one more'), undefined)
  for (let i = 0; i < 100; i++) ports.release(`s${i}`)
  t.strictNotSame(all(), first, 'in another order the second time')
  t.end()
})

void t.test(`No two service ports ever have the same port (SEED=${seed})`, t => {
  const random = seededRandom(seed)
  for (let round = 0; round < 50; round++) {
    const ports = new PortAllocator({ first: 1, last: 8 }, random)
    const held = new Map<string, number>()
    for (let step = 0; step < 200; step++) {
      const owner = `s${randomInt(random, 10)}`
      const action = random()
      if (action < 0.2) ports.release(owner)
      else if (action < 0.3) ports.refuse(owner)
      else if (action < 0.4) ports.prefer(owner, randomInt(random, 12))
      if (action < 0.3) held.delete(owner)
      if (action < 0.4) continue
      const port = ports.claim(owner)
      if (held.has(owner) && held.get(owner) !== port) return failAndEndTest(t, 'a claim changed by itself')
      if (port === undefined) continue
      if (port < 1 || port > 8) return failAndEndTest(t, `port ${port} is out of the range`)
      held.set(owner, port)
      if (new Set(held.values()).size < held.size) return failAndEndTest(t, `port ${port} is given out twice`)
    }
  }
  t.pass('50 rounds')
  t.end()
})

void t.test('A listener is planned for every service port but SCTP, with what may be picked', t => {
  const table: readonly (readonly [name: string, port: ServedPort, expected: Partial<ListenerSpec> | undefined])[] = [
    ['TCP', servedPort(), { protocol: 'TCP', address: NODE, port: 40_000, endpoints: CLUSTER, affinityMs: undefined }],
    ['UDP', servedPort({ protocol: 'UDP' }), { protocol: 'UDP' }],
    ['SCTP', servedPort({ protocol: 'SCTP' }), undefined],
    ['affinity', servedPort({ affinitySeconds: 60 }), { affinityMs: 60_000 }],
    ['balancer', servedPort({ balancer: 'least-connections' }), { balancer: 'least-connections' }],
    [
      'limits',
      servedPort({ maxConnections: 5, maxConnectionsPerClient: 2 }),
      { maxConnections: 5, maxConnectionsPerClient: 2 },
    ],
    ['only local endpoints', servedPort({ internalPolicyLocal: true }), { endpoints: LOCAL }],
    ['no endpoints', servedPort({}, { cluster: [], local: [], hasAny: false }), { endpoints: [] }],
    ['names', servedPort({ namespace: 'a', name: 'b', portName: '' }), { namespace: 'a', service: 'b', portName: '' }],
  ]
  for (const [name, port, expected] of table) {
    const specs = listenerSpecs(
      snapshot(port),
      planOptions(() => 40_000),
      new Map(),
    )
    const spec = [...specs.values()][0]
    t.equal(specs.size, expected === undefined ? 0 : 1, name)
    for (const [field, value] of Object.entries(expected ?? {}))
      t.same(spec?.[field as 'port'], value, `${name}: ${field}`)
  }
  t.equal(
    listenerSpecs(
      snapshot(servedPort()),
      planOptions(() => undefined),
      new Map(),
    ).size,
    0,
    'no port, no listener',
  )
  t.end()
})

void t.test('A planned listener is the same object while nothing about it changes, and keeps its port', t => {
  const first = listenerSpecs(
    snapshot(servedPort()),
    planOptions(() => 40_000),
    new Map(),
  )
  const never = (): number => {
    throw new Error('asked for another port')
  }
  const again = listenerSpecs(snapshot(servedPort()), planOptions(never), first)
  t.equal(again.get(KEY), first.get(KEY))
  const changes: readonly (readonly [name: string, port: ServedPort, address: string])[] = [
    ['endpoints', servedPort({}, { cluster: LOCAL, local: [], hasAny: true }), NODE],
    ['affinity', servedPort({ affinitySeconds: 1 }), NODE],
    ['balancer', servedPort({ balancer: 'random-two-choices' }), NODE],
    ['limit of the Service', servedPort({ maxConnections: 5 }), NODE],
    ['limit of each client', servedPort({ maxConnectionsPerClient: 5 }), NODE],
    ['address of the node', servedPort(), '192.168.50.2'],
  ]
  for (const [name, port, address] of changes) {
    const next = listenerSpecs(snapshot(port), planOptions(never, address), first)
    t.not(next.get(KEY), first.get(KEY), name)
    t.equal(next.get(KEY)?.port, 40_000, `${name}: same port`)
  }
  const moved = listenerSpecs(snapshot(servedPort({ clusterIP: '10.96.0.99' })), planOptions(never), first)
  t.equal(moved.get(KEY), first.get(KEY), 'the cluster IP is a matter of rules, not of listeners')
  t.equal(listenerSpecs(snapshot(), planOptions(never), first).size, 0)
  t.end()
})

function testFrontend(given: Partial<ServicePort>, proxyPort: number, address = NODE) {
  return { servicePort: makeServicePort({ portName: 'http', ...given }), address, proxyPort }
}

function programKernel(...frontends: readonly ReturnType<typeof testFrontend>[]): MemoryTables {
  const kernel = new MemoryTables()
  const led = frontends.map(({ servicePort, address, proxyPort }) => {
    const target = { address, port: proxyPort }
    const [clusterIP] = frontendsOf({ ...servedPort(), servicePort })
    return { frontend: clusterIP!, fromNode: target, fromPods: target, fromExternal: target }
  })
  const rules = new FrontendRules('IPv4').build({
    frontends: led,
    localTraffic: { localMatches: [], nodePortAddresses: undefined },
    proxyPorts: [],
  })
  kernel.restore(restoreInput(rules, parseIptablesSave(kernel.save())).text)
  return kernel
}

void t.test('Packets to a cluster IP and port are led to the listener, from outside and from the node itself', t => {
  const kernel = programKernel(
    testFrontend({}, 40_000),
    testFrontend({ protocol: 'UDP', portName: 'dns', port: 53 }, 40_001),
    testFrontend({ name: 'here', clusterIP: '10.96.0.11' }, 40_002, '0.0.0.0'),
  )
  const table: readonly (readonly [destination: string, port: number, protocol: 'tcp' | 'udp', verdict: string])[] = [
    ['10.96.0.10', 80, 'tcp', '192.168.50.1:40000'],
    ['10.96.0.10', 53, 'udp', '192.168.50.1:40001'],
    ['10.96.0.11', 80, 'tcp', 'port 40002 here'],
    ['10.96.0.10', 80, 'udp', 'untouched'],
    ['10.96.0.10', 53, 'tcp', 'untouched'],
    ['10.96.0.10', 81, 'tcp', 'untouched'],
    ['10.96.0.12', 80, 'tcp', 'untouched'],
  ]
  for (const [destination, port, protocol, verdict] of table) {
    for (const hook of ['PREROUTING', 'OUTPUT'] as const) {
      const name = `${destination}:${port}/${protocol} in ${hook}`
      t.equal(tracePacket(kernel, { hook, destination, port, protocol }), verdict, name)
    }
  }
  t.end()
})

void t.test(`The proxy ports that rules lead to are found again (SEED=${seed})`, t => {
  const random = seededRandom(seed)
  const portals = Array.from({ length: 50 }, (_, i) =>
    testFrontend(
      {
        name: `s${i}`,
        clusterIP: `10.96.0.${i}`,
        port: 1 + randomInt(random, 65_535),
        protocol: random() < 0.5 ? 'TCP' : 'UDP',
      },
      1 + randomInt(random, 65_535),
      random() < 0.5 ? NODE : '0.0.0.0',
    ),
  )
  const found = observedProxyPorts(parseIptablesSave(programKernel(...portals).save({ counters: true })))
  t.equal(found.size, portals.length)
  for (const {
    servicePort: { clusterIP, port, protocol },
    proxyPort,
  } of portals)
    t.equal(found.get(frontendKey(clusterIP, port, protocol)), proxyPort)
  t.end()
})

void t.test('Proxy ports are read from what the original left, and nothing from rules that are none', t => {
  const rule = (words: string) => `-A KUBE-PORTALS-CONTAINER ${words}`
  const text = [
    '*nat',
    ':KUBE-PORTALS-CONTAINER - [0:0]',
    ':KUBE-PORTALS-HOST - [0:0]',
    rule(
      '-d 10.96.0.10/32 -p tcp -m comment --comment "default/web:http" -m tcp --dport 80 -j REDIRECT --to-ports 41000',
    ),
    rule(
      '-d 203.0.113.7/32 -p udp -m udp --dport 53 -m physdev ! --physdev-is-in -j DNAT --to-destination 1.2.3.4:41001',
    ),
    rule('-p tcp -m tcp --dport 1 -j REDIRECT --to-ports 41002'),
    rule('-d 10.96.0.11/32 -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 41000-41005'),
    rule('-d 10.96.0.12/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 1.2.3.4'),
    rule('-d 10.96.0.13/32 -p tcp -m tcp --dport 80 -j ACCEPT'),
    '-A KUBE-PORTALS-HOST -d 10.96.0.14/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 1.2.3.4:5',
    'COMMIT',
  ].join('\n')
  t.same(
    [...observedProxyPorts(parseIptablesSave(text))],
    [
      ['10.96.0.10 80 TCP', 41_000],
      ['203.0.113.7 53 UDP', 41_001],
    ],
  )
  t.equal(observedProxyPorts(new Map()).size, 0)
  const six =
    '*nat\n:KUBE-PORTALS-CONTAINER - [0:0]\n' +
    rule('-d fd00::10/128 -p tcp -m tcp --dport 80 -j DNAT --to-destination [fd00::1]:41000')
  t.same([...observedProxyPorts(parseIptablesSave(six))], [['fd00::10 80 TCP', 41_000]])
  t.end()
})

void t.test('The name of a portal does not depend on how the protocol is written', t => {
  const protocols: readonly (Protocol | 'tcp')[] = ['TCP', 'tcp']
  t.equal(new Set(protocols.map(protocol => frontendKey('10.96.0.10', 80, protocol))).size, 1)
  t.end()
})
