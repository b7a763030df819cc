import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import t from 'tap'
import { readUdpPorts } from '../../lib/system/node-resources.js'

/** Other programs of the machine open sockets meanwhile, but not nearly so many. */
const COUNT = 100

t.test('the ports in use are those of the IP family with the most UDP sockets', async t => {
  const before = readUdpPorts()!.inUse
  const sockets = Array.from({ length: COUNT }, () => ['udp4', 'udp6'] as const)
    .flat()
    .map(type => createSocket({ type, ipv6Only: type === 'udp6' }).bind(0))
  t.teardown(() => sockets.forEach(socket => socket.close()))
  await Promise.all(sockets.map(socket => once(socket, 'listening')))
  const { total, inUse } = readUdpPorts()!
  t.ok(total > 0 && total < 65_536)
  const added = inUse - before
  t.ok(added > COUNT / 2 && added < 1.5 * COUNT, `${added} more for ${COUNT} sockets of each family`)
})
