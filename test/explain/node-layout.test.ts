import t from 'tap'
import { NodeLayout } from '../../lib/explain/node-layout.js'
import { offlineLayout } from '../../lib/explain/offline-layout.js'
import { parseCidr } from '../../lib/model/cidr.js'

const route = (range: string, interfaceName: string, source?: string) => ({
  range: parseCidr(range)!,
  interfaceName,
  source,
})
const layout = new NodeLayout({
  name: 'node-1',
  main: { IPv4: '192.168.50.1' },
  addresses: [
    { interfaceName: 'eth0', ip: '192.168.50.1' },
    { interfaceName: 'eth0', ip: '192.168.50.2' },
    { interfaceName: 'cni0', ip: '10.244.0.1' },
  ],
  routes: [
    route('0.0.0.0/0', 'eth0'),
    route('192.168.50.0/24', 'eth0'),
    route('10.244.0.0/24', 'cni0'),
    route('10.244.1.0/24', 'eth0', '192.168.50.2'),
    route('10.244.9.2/32', 'cali1'),
  ],
  localRanges: [parseCidr('10.9.0.0/24')!],
  assumed: [],
})

t.test('the longest route decides, and it may name the source', t => {
  t.equal(layout.routeTo('10.244.0.7')?.interfaceName, 'cni0')
  t.equal(layout.routeTo('10.244.9.2')?.interfaceName, 'cali1')
  t.equal(layout.routeTo('203.0.113.1')?.interfaceName, 'eth0')
  t.equal(layout.routeTo('fd00::1'), undefined)
  t.equal(layout.sourceFor('10.244.0.7'), '10.244.0.1')
  t.equal(layout.sourceFor('10.244.1.7'), '192.168.50.2')
  t.equal(layout.sourceFor('10.244.9.2'), '192.168.50.1', 'an interface without address')
  t.equal(layout.sourceFor('192.168.50.2'), '192.168.50.2', 'its own address')
  t.equal(layout.sourceFor('fd00::1'), undefined)
  t.end()
})

t.test('loopback and local routes are addresses of the node, and Pods are behind no uplink', t => {
  for (const own of ['192.168.50.2', '10.244.0.1', '127.9.9.9', '10.9.0.200', '::1'])
    t.ok(layout.isOwnAddress(own), own)
  for (const other of ['192.168.50.3', '10.244.0.2', 'fd00::1']) t.notOk(layout.isOwnAddress(other), other)
  for (const pod of ['10.244.0.2', '10.244.9.2']) t.ok(layout.isPodHere(pod), pod)
  for (const other of ['10.244.1.2', '192.168.50.3', '10.244.0.1', 'fd00::1']) t.notOk(layout.isPodHere(other), other)
  t.end()
})

t.test('what is not known of a node is assumed and named', t => {
  const families = ['IPv4', 'IPv6'] as const
  const unknown = offlineLayout({ name: 'n', addresses: [], podRanges: [], localEndpoints: [], families })
  t.same(unknown.assumed, [
    'node address 192.168.50.1',
    'Pods of the node in 10.244.0.0/24',
    'node address fd00:50::1',
    'Pods of the node in fd00:244::/64',
  ])
  t.same(
    unknown.addresses.map(({ interfaceName, ip }) => `${interfaceName} ${ip}`),
    ['eth0 192.168.50.1', 'eth0 fd00:50::1', 'cni0 10.244.0.1', 'cni0 fd00:244::1'],
  )
  const known = offlineLayout({
    name: 'n',
    addresses: ['172.16.0.5'],
    podRanges: [parseCidr('10.9.0.128/25')!],
    localEndpoints: ['10.50.0.7', '172.16.0.5'],
    families: ['IPv4'],
  })
  t.same(known.assumed, [])
  t.equal(known.addressOf('cni0', 'IPv4'), '10.9.0.129')
  t.ok(known.isPodHere('10.50.0.7'), 'an endpoint that the objects place here')
  t.notOk(known.isPodHere('172.16.0.5'), 'the node itself')
  t.end()
})
