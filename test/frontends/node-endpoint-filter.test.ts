import t from 'tap'
import { FrontendTable } from '../../lib/frontends/frontend-table.js'
import { NodeEndpointFilter } from '../../lib/frontends/node-endpoint-filter.js'
import { LocalAddresses } from '../../lib/model/local-addresses.js'
import { explainEndpoints } from '../../lib/snapshot/explain-endpoints.js'
import { makeEndpoint } from '../support/model/make-endpoint.js'
import { makeServicePort } from '../support/model/make-service-port.js'
import { makeSlice } from '../support/model/make-slice.js'

const LOCAL_ROUTE = { family: 'IPv4', network: '10.9.0.0', bits: 24 } as const
const servicePort = makeServicePort()

t.test('addresses of the node are left out, unless they are Pods or the API server', t => {
  const local = new LocalAddresses(['192.168.50.1', '10.244.0.1', 'fd00:50::1'], [LOCAL_ROUTE])
  const filter = new NodeEndpointFilter({
    local: () => local,
    ofPods: family => (family === 'IPv4' ? ['203.0.113.9', '192.168.50.1'] : ['fd00:50::1']),
  })
  const pod = { isPod: true }
  const kubernetes = makeServicePort({ name: 'kubernetes' })
  for (const [name, port, endpoint, expected] of [
    ['an address of the node', servicePort, makeEndpoint('192.168.50.1'), true],
    ['IPv6', makeServicePort({ family: 'IPv6' }), makeEndpoint('fd00:50::1'), true],
    ['a local route', servicePort, makeEndpoint('10.9.0.5'), true],
    ['another address', servicePort, makeEndpoint('192.168.50.2'), false],
    ['a Pod with hostNetwork', servicePort, makeEndpoint('192.168.50.1', pod), false],
    ['the same in IPv6', makeServicePort({ family: 'IPv6' }), makeEndpoint('fd00:50::1', pod), false],
    ['a targetRef at an address that no Pod has', servicePort, makeEndpoint('10.244.0.1', pod), true],
    ['a targetRef at a local route', servicePort, makeEndpoint('10.9.0.5', pod), true],
    ['a Pod elsewhere', servicePort, makeEndpoint('10.244.0.5', pod), false],
    ['the API server', kubernetes, makeEndpoint('192.168.50.1'), false],
    ['kubernetes elsewhere', { ...kubernetes, namespace: 'other' }, makeEndpoint('192.168.50.1'), true],
  ] as const)
    t.equal(filter.isLeftOut(port, endpoint), expected, name)
  t.end()
})

t.test('the filter follows the addresses of the node, and unchanged ports stay the same objects', t => {
  let local = new LocalAddresses([])
  let ofPods: readonly string[] = []
  const filter = new NodeEndpointFilter({ local: () => local, ofPods: () => ofPods })
  const endpoints = [makeEndpoint('10.244.0.5'), makeEndpoint('192.168.50.7', { isPod: true })]
  const served = { servicePort, endpoints, usable: { cluster: endpoints, local: endpoints, hasAny: true } }
  const snapshot = { generation: 1, ports: new Map([[servicePort.key, served]]) }
  t.equal(filter.apply(snapshot).snapshot, snapshot)
  local = new LocalAddresses(['192.168.50.7'])
  const filtered = filter.apply(snapshot)
  t.strictSame(filtered.ports, [servicePort.key])
  const first = filtered.snapshot.ports.get(servicePort.key)!
  t.strictSame(first.usable, { cluster: [endpoints[0]], local: [endpoints[0]], hasAny: true })
  t.equal(filter.apply(snapshot).snapshot.ports.get(servicePort.key), first)
  ofPods = ['192.168.50.7']
  t.equal(filter.apply(snapshot).snapshot, snapshot, 'the Node object has the address now')
  ofPods = []
  t.not(filter.apply(snapshot).snapshot, snapshot)
  local = new LocalAddresses([])
  t.equal(filter.apply(snapshot).snapshot, snapshot)
  t.end()
})

t.test('the explanation names the reason and the flag', t => {
  const slice = makeSlice(['10.244.0.5', '192.168.50.1'].map(ip => ({ ip })))
  const local = new LocalAddresses(['192.168.50.1'])
  const table = new FrontendTable(() => local, new NodeEndpointFilter({ local: () => local, ofPods: () => [] }))
  const node = { name: 'node-a', zone: '' }
  const { endpoints, traffic } = explainEndpoints(servicePort, [slice], node, endpoint =>
    table.findLeftOut(servicePort, endpoint),
  )
  t.strictSame(
    endpoints.map(({ cluster }) => cluster.text),
    ['used: ready', 'not used: it is an address of this node, but no Pod (--allow-node-address-endpoints)'],
  )
  t.equal(endpoints[1]?.cluster.reason, 'node-address')
  t.equal(traffic.cluster, 'ready')
  t.end()
})
