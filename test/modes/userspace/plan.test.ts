import t from 'tap'
import { type ListenerSpec } from '../../../lib/dataplane/listener-plan.js'
import { type ServicePort } from '../../../lib/model/service-port.js'
import { type ServedPort, type ServiceSnapshot } from '../../../lib/model/snapshot.js'
import { ListenerKeys } from '../../../lib/modes/userspace/listener-keys.js'
import { type ListenerPlanInput, listenerSpecs, listenersWithoutPort } from '../../../lib/modes/userspace/plan.js'
import { makeEndpoint } from '../../support/model/make-endpoint.js'
import { makeServicePort } from '../../support/model/make-service-port.js'
import { makeNodePortPlace } from '../../support/modes/make-node-port-place.js'

const CLUSTER = [makeEndpoint('10.244.0.5'), makeEndpoint('10.244.1.5')]
const LOCAL = [makeEndpoint('10.244.0.5')]
const NODE = '192.168.50.1'
const KEY = makeServicePort({ portName: 'http' }).key

function servedPort(given: Partial<ServicePort> = {}, usable?: ServedPort['usable']): ServedPort {
  return {
    servicePort: makeServicePort({ portName: 'http', ...given }),
    endpoints: CLUSTER,
    usable: usable ?? { cluster: CLUSTER, local: LOCAL, hasAny: true },
  }
}

function snapshotOf(...ports: readonly ServedPort[]): ServiceSnapshot {
  return { generation: 1, ports: new Map(ports.map(port => [port.servicePort.key, port])) }
}

function planListeners(
  snapshot: ServiceSnapshot,
  given: Partial<ListenerPlanInput> = {},
  previous: ReadonlyMap<string, ListenerSpec> = new Map(),
): Map<string, ListenerSpec> {
  const input = {
    snapshot,
    listenAddresses: new Map([['IPv4', NODE]] as const),
    proxyPorts: new Map<string, number>(),
    nodePortOwners: new Set<string>(),
    nodePortPlaces: new Map([['IPv4', makeNodePortPlace()]] as const),
    keys: new ListenerKeys(),
    ...given,
  }
  return listenerSpecs(input, previous)
}

/** A plan in which every listener got the same proxy port. */
function firstPlan(snapshot: ServiceSnapshot, given: Partial<ListenerPlanInput> = {}): Map<string, ListenerSpec> {
  const portless = listenersWithoutPort(snapshot, new Map(), new ListenerKeys())
  return planListeners(snapshot, { proxyPorts: new Map(portless.map(({ key }) => [key, 40_000])), ...given })
}

void t.test('Every service port but SCTP has a listener, with the endpoints and limits of the Service', t => {
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
    const specs = firstPlan(snapshotOf(port))
    const spec = [...specs.values()][0]
    t.equal(specs.size, expected === undefined ? 0 : 1, name)
    for (const [field, value] of Object.entries(expected ?? {}))
      t.same(spec?.[field as 'port'], value, `${name}: ${field}`)
  }
  t.end()
})

void t.test('A listener without a proxy port is left out', t => {
  t.equal(planListeners(snapshotOf(servedPort())).size, 0)
  t.end()
})

void t.test(
  'New listeners need a proxy port, in the order of the snapshot; node ports, SCTP and known ones do not',
  t => {
    const web = servedPort({ externalIPs: ['203.0.113.7'], nodePort: 30080, externalPolicyLocal: true })
    const dns = servedPort({ name: 'dns', protocol: 'UDP' })
    const snapshot = snapshotOf(web, servedPort({ name: 'sctp', protocol: 'SCTP' }), dns)
    const keys = (previous: ReadonlyMap<string, ListenerSpec>) =>
      listenersWithoutPort(snapshot, previous, new ListenerKeys()).map(({ key }) => key)
    t.strictSame(keys(new Map()), [KEY, `${KEY}#local`, dns.servicePort.key])
    t.strictSame(keys(firstPlan(snapshotOf(web))), [dns.servicePort.key])
    t.strictSame(keys(firstPlan(snapshot)), [])
    t.end()
  },
)

void t.test('A node port has a listener of its own if its service port owns it', t => {
  const port = servedPort({ nodePort: 30080 })
  const key = `${KEY}#node-port-30080`
  const nodePortOwners = new Set([KEY])
  t.equal(firstPlan(snapshotOf(port)).has(key), false)
  const spec = firstPlan(snapshotOf(port), { nodePortOwners }).get(key)
  t.match(spec, { address: '0.0.0.0', port: 30080, endpoints: CLUSTER, holdsNodePort: true })
  t.end()
})

void t.test('A listener is the same object while nothing about it changes, and keeps its port', t => {
  const first = firstPlan(snapshotOf(servedPort()))
  const again = planListeners(snapshotOf(servedPort()), {}, first)
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
    const next = planListeners(snapshotOf(port), { listenAddresses: new Map([['IPv4', address]]) }, first)
    t.not(next.get(KEY), first.get(KEY), name)
    t.equal(next.get(KEY)?.port, 40_000, `${name}: same port`)
  }
  const moved = planListeners(snapshotOf(servedPort({ clusterIP: '10.96.0.99' })), {}, first)
  t.equal(moved.get(KEY), first.get(KEY), 'the cluster IP concerns rules, not listeners')
  t.equal(planListeners(snapshotOf(), {}, first).size, 0)
  t.end()
})
