import { fileURLToPath } from 'node:url'
import t from 'tap'
import { SendQueue } from '../../../lib/dataplane/transport/send-queue.js'
import { NodeNetwork, namespacesUnavailable } from '../../support/nodes/node-network.js'

const SILENT_NEIGHBOURS = fileURLToPath(new URL('../../support/dataplane/silent-neighbours-entry.js', import.meta.url))

t.test('a socket may have some datagrams waiting, and all sockets together some more', t => {
  const queue = new SendQueue()
  const datagram = Buffer.alloc(64 * 1024)
  const fill = () => {
    const socket = { heldBytes: 0 }
    queue.add(socket, datagram)
    while (queue.hasRoom(socket, datagram)) queue.add(socket, datagram)
    return socket
  }
  const first = fill()
  t.equal(first.heldBytes / datagram.length, 4 + (4 * 512) / datagram.length)
  const { limit } = queue.pool.counts()
  const others = []
  while (queue.pool.counts().used < 0.9 * limit) others.push(fill())
  t.ok(others.length > 50)
  t.ok(queue.pool.counts().shed > 50)
  for (let n = 0; n < 4; n++) queue.remove(first, datagram)
  t.equal(first.heldBytes, 0)
  for (const socket of others) queue.set(socket, 0, 0)
  t.equal(queue.pool.counts().used, 0)
  t.end()
})

t.test(
  'datagrams to neighbours that do not answer ARP do not pile up, and others leave again afterwards',
  { skip: namespacesUnavailable },
  async t => {
    const network = await NodeNetwork.create(t)
    await network.addPod()
    const silent = ['10.244.0.201', '10.244.0.202', '10.244.0.203', '10.244.0.204', '10.244.0.205', '10.244.0.206']
    const { stdout } = await network.node.run(process.execPath, [
      SILENT_NEIGHBOURS,
      '10.244.0.1',
      '192.168.50.1',
      ...silent,
    ])
    for (const { most, dropped, left } of JSON.parse(stdout) as { most: number; dropped: number; left: number }[]) {
      t.ok(most > 100 * 1024 && most < 300 * 1024, `${most} of 5.6 million bytes waited at most`)
      t.ok(dropped > 1000, `${dropped} of 4,000 were dropped`)
      t.equal(left, 0)
    }
  },
)
