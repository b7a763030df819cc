import t from 'tap'
import { type ServicePort } from '../../../lib/model/service-port.js'
import { type NodePortPlace, nodePortKey, nodePortListeners } from '../../../lib/modes/userspace/node-port-listeners.js'
import { makeEndpoint } from '../../support/model/make-endpoint.js'
import { makeServicePort } from '../../support/model/make-service-port.js'
import { makeNodePortPlace } from '../../support/modes/make-node-port-place.js'

const [CLUSTER, LOCAL] = [[makeEndpoint('10.244.1.5')], [makeEndpoint('10.244.0.5')]]

function listeners(place: Partial<NodePortPlace>, given: Partial<ServicePort> = {}): string[] {
  const servicePort = makeServicePort({ nodePort: 30080, ...given })
  const served = { servicePort, endpoints: [], usable: { cluster: CLUSTER, local: LOCAL, hasAny: true } }
  return nodePortListeners(served, makeNodePortPlace(place)).map(({ key, variant }) => {
    t.match(variant, { port: 30080, holdsNodePort: true, sourceRanges: undefined })
    t.ok([0, CLUSTER.length].includes(variant.endpoints.length))
    const serves = variant.endpoints === CLUSTER ? ' serves' : ''
    return `${key.slice(servicePort.key.length)}: ${variant.address}${serves}`
  })
}

t.test('a node port is held where it is served', t => {
  const splitKeys = new Set([nodePortKey(makeServicePort({ nodePort: 30080 }))])
  const table: readonly (readonly [name: string, place: Partial<NodePortPlace>, expected: readonly string[]])[] = [
    ['all addresses', {}, ['#node-port-30080: 0.0.0.0 serves']],
    ['all but loopback', { isOnLoopback: false }, ['#node-port-30080: 0.0.0.0']],
    ['one address', { served: ['192.168.50.1'], isOnLoopback: false }, ['#node-port-30080@192.168.50.1: 192.168.50.1']],
    [
      'one address, and loopback',
      { served: ['192.168.50.1'] },
      ['#node-port-30080@127.0.0.1: 127.0.0.1 serves', '#node-port-30080@192.168.50.1: 192.168.50.1'],
    ],
    ['no address', { served: [], isOnLoopback: false }, []],
    [
      'all addresses, one of which is taken',
      { splitKeys },
      [
        '#node-port-30080@127.0.0.1: 127.0.0.1 serves',
        '#node-port-30080@192.168.50.1: 192.168.50.1',
        '#node-port-30080@192.168.51.1: 192.168.51.1',
      ],
    ],
    [
      'all addresses, one of which has a listener of this proxy with the number',
      {
        splitKeys,
        isProxyPort: (protocol, address, port) => `${protocol} ${address} ${port}` === 'TCP 192.168.50.1 30080',
      },
      ['#node-port-30080@127.0.0.1: 127.0.0.1 serves', '#node-port-30080@192.168.51.1: 192.168.51.1'],
    ],
    [
      'all addresses, and a listener of this proxy has the number at all of them',
      { splitKeys, isProxyPort: () => true },
      [],
    ],
  ]
  for (const [name, place, expected] of table) t.strictSame(listeners(place), expected, name)
  t.end()
})

t.test('in IPv6 it is held on the addresses of IPv6', t => {
  t.strictSame(listeners({}, { family: 'IPv6' }), ['#node-port-30080: :: serves'])
  t.strictSame(listeners({ served: ['fd00:50::1'] }, { family: 'IPv6' }), [
    '#node-port-30080@::1: ::1 serves',
    '#node-port-30080@fd00:50::1: fd00:50::1',
  ])
  t.end()
})

t.test('source ranges at node ports decide whether loopback is served: the node has to be in them', t => {
  for (const [network, expected] of [
    ['192.168.50.0', '#node-port-30080: 0.0.0.0 serves'],
    ['192.0.2.0', '#node-port-30080: 0.0.0.0'],
  ] as const) {
    const sourceRanges = [{ family: 'IPv4', network, bits: 24 }] as const
    t.strictSame(listeners({}, { rangesAtNodePort: true, sourceRanges }), [expected], network)
  }
  t.end()
})
