import t from 'tap'
import { type IpFamily } from '../../../lib/model/address.js'
import { ListenerKeys } from '../../../lib/modes/userspace/listener-keys.js'
import { findReservedPorts, httpPortsOf } from '../../../lib/modes/userspace/reserved-ports.js'
import { makeServicePort } from '../../support/model/make-service-port.js'

const NODE = '192.168.50.1'
const [web, web6, dns] = [
  makeServicePort({ nodePort: 30080 }),
  makeServicePort({ name: 'web6', family: 'IPv6', nodePort: 30081 }),
  makeServicePort({ name: 'dns', protocol: 'UDP', nodePort: 30053 }),
]
const checked = makeServicePort({ name: 'checked', healthCheckNodePort: 32000 })

/** @param addresses those that serve NodePorts; undefined: all */
function reserved(addresses?: Partial<Record<IpFamily, readonly string[]>>) {
  const ports = [web, web6, dns, checked].map(servicePort => {
    const usable = { cluster: [], local: [], hasAny: false }
    return [servicePort.key, { servicePort, endpoints: [], usable }] as const
  })
  return findReservedPorts({
    snapshot: { generation: 1, ports: new Map(ports) },
    nodePorts: [web, web6, dns],
    families: ['IPv4', 'IPv6'],
    nodePortAddresses: family => addresses?.[family],
    httpPorts: httpPortsOf(['0.0.0.0:10256', '127.0.0.1:10249', '[fd00:50::1]:10250', '']),
  })
}

t.test('a port is reserved for a listener where something else of this proxy is served', t => {
  const here = { IPv4: [NODE], IPv6: [] }
  const elsewhere = { IPv4: ['192.168.51.1'], IPv6: [] }
  for (const [name, protocol, address, port, addresses, expected] of [
    ['a NodePort', 'TCP', NODE, 30080, undefined, true],
    ['a NodePort that this address serves', 'TCP', NODE, 30080, here, true],
    ['a NodePort that only another address serves', 'TCP', NODE, 30080, elsewhere, false],
    ['the same for a listener on all addresses', 'TCP', '0.0.0.0', 30080, elsewhere, true],
    ['a NodePort of the other protocol', 'UDP', NODE, 30080, undefined, false],
    ['a NodePort of the other family', 'TCP', NODE, 30081, undefined, false],
    ['a NodePort of IPv6', 'TCP', 'fd00:50::1', 30081, undefined, true],
    ['a NodePort of UDP', 'UDP', NODE, 30053, undefined, true],
    ['a health check port', 'TCP', NODE, 32000, undefined, true],
    ['a health check port, IPv6', 'TCP', 'fd00:50::1', 32000, { IPv6: [] }, true],
    ['a health check port at another address', 'TCP', NODE, 32000, elsewhere, false],
    ['an HTTP port on all addresses', 'TCP', 'fd00:50::1', 10256, undefined, true],
    ['an HTTP port at another address', 'TCP', NODE, 10249, undefined, false],
    ['an HTTP port at an address of IPv6', 'TCP', 'fd00:50::1', 10250, undefined, true],
    ['any other port', 'TCP', NODE, 40000, undefined, false],
  ] as const)
    t.equal(reserved(addresses).has({ protocol, address }, port), expected, name)
  t.strictSame([...reserved().numbers].sort(), [10249, 10250, 10256, 30053, 30080, 30081, 32000])
  t.end()
})

t.test('a listener whose other port did not open goes back to the key from before', t => {
  const keys = new ListenerKeys()
  keys.move(web.key, 'cluster')
  t.equal(
    keys.settle(() => true),
    false,
  )
  const first = keys.of(web.key, 'cluster')
  keys.move(web.key, 'cluster')
  keys.move(web.key, 'cluster')
  keys.move(dns.key, 'cluster')
  const other = keys.of(dns.key, 'cluster')
  t.equal(
    keys.settle(key => key === other),
    true,
  )
  t.strictSame([keys.of(web.key, 'cluster'), keys.of(dns.key, 'cluster')], [first, other])
  t.end()
})

t.test('a listener that moves has another key until its service port is gone', t => {
  const keys = new ListenerKeys()
  t.equal(keys.of(web.key, 'cluster'), web.key)
  keys.move(web.key, 'local')
  t.equal(keys.of(web.key, 'cluster'), web.key, 'the other traffic class stays')
  const first = keys.of(web.key, 'local')
  keys.retain(new Set([web.key]))
  t.equal(keys.of(web.key, 'local'), first)
  keys.move(web.key, 'local')
  t.equal(new Set([`${web.key}#local`, first, keys.of(web.key, 'local')]).size, 3, 'each move gives a new key')
  keys.retain(new Set())
  t.equal(keys.of(web.key, 'local'), `${web.key}#local`)
  t.end()
})
