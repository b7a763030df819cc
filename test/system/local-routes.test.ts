import t from 'tap'
import { parseFibTrie, parseIpv6Routes, readLocalRoutes } from '../../lib/system/local-routes.js'
import { NetworkNamespace } from '../../lib/demo/network-namespace.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'

const text = ({ network, bits }: { network: string; bits: number }): string => `${network}/${bits}`

t.test('routes of the kernel to the node itself are read, also ranges', { skip: namespacesUnavailable }, async t => {
  const namespace = await NetworkNamespace.create(`kpn${process.pid}-routes`)
  t.teardown(() => namespace.delete())
  await namespace.configure(
    'link set lo up',
    'link add eth0 type veth peer name peer0',
    'link set peer0 up',
    'address add 192.168.50.1/24 dev eth0',
    'address add fd00:50::1/64 dev eth0 nodad',
    'link set eth0 up',
    'route add local 10.9.0.0/24 dev lo',
    'route add local fd00:9::/64 dev lo',
    'route add 10.8.0.0/16 via 192.168.50.254',
    'route add blackhole 10.7.0.0/16',
  )
  const read = async (file: string) => (await namespace.run('cat', [file])).stdout
  const v4 = parseFibTrie(await read('/proc/net/fib_trie')).map(text)
  t.strictSame(v4.filter(route => !route.startsWith('127.')).sort(), ['10.9.0.0/24', '192.168.50.1/32'])
  const v6 = parseIpv6Routes(await read('/proc/net/ipv6_route')).map(text)
  t.ok(v6.includes('fd00:9::/64') && v6.includes('fd00:50::1/128') && v6.includes('::1/128'), v6.join())
  t.notOk(v6.includes('fd00:50::/64'), 'other hosts of the network are not local')
})

t.test('the routes of this machine are the same object while nothing changes', t => {
  for (const family of ['IPv4', 'IPv6'] as const) {
    const routes = readLocalRoutes(family)
    t.equal(readLocalRoutes(family), routes, family)
    t.ok(routes.every(route => route.family === family))
  }
  t.end()
})
