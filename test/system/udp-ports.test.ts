import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import t from 'tap'
import { readUdpPorts } from '../../lib/system/udp-ports.js'

t.test('the ports in use are those of all UDP sockets, of both IP families', async t => {
  const sockets = (['udp4', 'udp6'] as const).map(type => createSocket({ type, ipv6Only: type === 'udp6' }).bind(0))
  t.teardown(() => sockets.forEach(socket => socket.close()))
  await Promise.all(sockets.map(socket => once(socket, 'listening')))
  const { total, inUse } = readUdpPorts()!
  t.ok(total > 0 && total < 65_536)
  t.ok(inUse >= 2)
})
