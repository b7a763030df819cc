import t from 'tap'
import { FrontendTable } from '../../lib/frontends/frontend-table.js'
import { endpointKey } from '../../lib/model/endpoint.js'
import { LocalAddresses } from '../../lib/model/local-addresses.js'
import { type ServicePort } from '../../lib/model/service-port.js'
import { type ServedPort, type ServiceSnapshot } from '../../lib/model/snapshot.js'
import { endpointsOf } from '../../lib/snapshot/endpoints.js'
import { explainEndpoints } from '../../lib/snapshot/explain-endpoints.js'
import { usableEndpoints } from '../../lib/snapshot/usable-endpoints.js'
import { makeEndpoint } from '../support/model/make-endpoint.js'
import { makeServicePort } from '../support/model/make-service-port.js'
import { makeSlice } from '../support/model/make-slice.js'

const endpoint = makeEndpoint('10.244.0.5', { isLocal: true })
const LOCAL_ENDPOINTS = { cluster: [endpoint], local: [endpoint], hasAny: true }
const REMOTE_ENDPOINTS = { cluster: [endpoint], local: [], hasAny: true }
const NO_ENDPOINTS = { cluster: [], local: [], hasAny: false }

function servedPort(servicePort: ServicePort, usable: ServedPort['usable'] = LOCAL_ENDPOINTS): ServedPort {
  return { servicePort, endpoints: [], usable }
}

function snapshotOf(...ports: ServedPort[]): ServiceSnapshot {
  return { generation: 1, ports: new Map(ports.map(port => [port.servicePort.key, port])) }
}

const [a, b] = [
  makeServicePort({ name: 'a' }),
  makeServicePort({ name: 'b', clusterIP: '10.96.0.11', internalPolicyLocal: true }),
]

t.test('frontends are the same objects while nothing about them changes, whatever happens to endpoints', t => {
  const table = new FrontendTable(() => new LocalAddresses([]))
  const first = table.resolve(snapshotOf(servedPort(a), servedPort(b)))
  const withoutEndpoints = table.resolve(snapshotOf(servedPort(a, NO_ENDPOINTS), servedPort(b)))
  t.equal(withoutEndpoints.frontends, first.frontends)
  t.equal(withoutEndpoints.conflicts, first.conflicts)
  const dropped = table.resolve(snapshotOf(servedPort(a), servedPort(b, REMOTE_ENDPOINTS)))
  t.not(dropped.frontends, first.frontends)
  t.equal(dropped.frontends[0], first.frontends[0])
  t.equal(dropped.frontends[1]?.fromPods, 'drop')
  t.end()
})

t.test('a port that the mode does not support has no frontends', t => {
  const snapshot = snapshotOf(servedPort(a), servedPort(b))
  const { frontends } = new FrontendTable(() => new LocalAddresses([])).resolve(
    snapshot,
    ({ servicePort }) => servicePort !== a,
  )
  t.strictSame(
    frontends.map(({ name }) => name),
    ['cluster IP 10.96.0.11:80/TCP'],
  )
  t.end()
})

t.test('a cluster IP belongs to its Service even if the mode does not support the ports of that', t => {
  const sctp = makeServicePort({ name: 'sctp', clusterIP: '10.96.0.13', protocol: 'SCTP' })
  const thief = makeServicePort({ name: 'thief', clusterIP: '10.96.0.12', externalIPs: ['10.96.0.13'] })
  const { frontends, conflicts } = new FrontendTable(() => new LocalAddresses([])).resolve(
    snapshotOf(servedPort(sctp), servedPort(thief)),
    ({ servicePort }) => servicePort !== sctp,
  )
  t.strictSame(
    frontends.map(({ name }) => name),
    ['cluster IP 10.96.0.12:80/TCP'],
  )
  t.strictSame(
    conflicts.map(({ loser }) => loser.name),
    ['external IP 10.96.0.13:80/TCP'],
  )
  t.end()
})

t.test('an endpoint that is an address of a Service is removed, and its service port is named', t => {
  const loop = servedPort(a, {
    cluster: [makeEndpoint(b.clusterIP, { port: b.port }), endpoint],
    local: [],
    hasAny: true,
  })
  const { snapshot, loopingPorts } = new FrontendTable(() => new LocalAddresses([])).resolve(
    snapshotOf(loop, servedPort(b)),
  )
  t.strictSame(snapshot.ports.get(a.key)?.usable.cluster, [endpoint])
  t.strictSame(loopingPorts, [a.key])
  t.end()
})

t.test('the reason why an endpoint is removed can be explained, and every other endpoint keeps its own reason', t => {
  const nodePort = makeServicePort({ name: 'c', clusterIP: '10.96.0.12', nodePort: 30080 })
  const slice = (port: number, ...ips: string[]) =>
    makeSlice(
      ips.map(ip => ({ ip })),
      { name: `a-${port}`, ports: [{ name: '', protocol: 'TCP', port }] },
    )
  const slices = [slice(b.port, b.clusterIP, '10.244.0.5'), slice(30080, '192.168.1.1', '192.168.1.2')]
  const node = { name: 'node-a', zone: '' }
  const endpoints = endpointsOf(a, slices, node)
  const local = new LocalAddresses(['192.168.1.1'])
  const table = new FrontendTable(() => local)
  const { snapshot } = table.resolve(
    snapshotOf(servedPort(a, usableEndpoints(a, endpoints, node)), servedPort(b), servedPort(nodePort)),
  )
  const explained = explainEndpoints(a, slices, node, endpoint => table.findLeftOut(a, endpoint))
  t.strictSame(
    explained.endpoints.map(({ address, cluster: { reason } }) => [address, reason]),
    [
      ['10.244.0.5:80', 'ready'],
      ['10.96.0.11:80', 'service-address'],
      ['192.168.1.1:30080', 'service-address'],
      ['192.168.1.2:30080', 'ready'],
    ],
  )
  t.match(explained.endpoints[1]?.cluster.text, 'cluster IP 10.96.0.11:80/TCP')
  t.match(explained.endpoints[2]?.cluster.text, 'node port 30080/TCP')
  t.strictSame(
    snapshot.ports.get(a.key)?.usable.cluster.map(endpointKey),
    explained.endpoints.filter(({ cluster }) => cluster.isUsed).map(({ address }) => address),
    'it explains what is served',
  )
  t.end()
})
