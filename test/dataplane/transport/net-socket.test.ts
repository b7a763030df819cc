import { once } from 'node:events'
import { type Socket, connect, createServer } from 'node:net'
import t from 'tap'
import { NetSocket } from '../../../lib/dataplane/transport/net-socket.js'
import { NetTransport } from '../../../lib/dataplane/transport/net-transport.js'
import { waitUntil } from '../../support/dataplane/plane-under-test.js'

const MOMENTS: readonly (readonly [string, () => Promise<unknown>])[] = [
  ['at once', () => Promise.resolve()],
  ['a tick later', () => new Promise<void>(resolve => process.nextTick(resolve))],
  ['two ticks later', () => new Promise<void>(resolve => process.nextTick(() => process.nextTick(resolve)))],
  ['a turn later', () => new Promise(resolve => setImmediate(resolve))],
  ['ten milliseconds later', () => new Promise(resolve => setTimeout(resolve, 10))],
]

for (const [when, wait] of MOMENTS) {
  t.test(`a reset ${when} after the end of sending closes the socket, and reaches the peer`, async t => {
    const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.teardown(() => server.close())
    const { port } = server.address() as { port: number }
    const stream = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    const [peer] = (await once(server, 'connection')) as [Socket]
    if (stream.connecting) await once(stream, 'connect')
    const errors: Error[] = []
    const closed = new Promise<void>(resolve => {
      const socket = new NetSocket(
        stream,
        { onClose: () => resolve() },
        { onError: (_, error) => void errors.push(error), onClose: () => undefined },
      )
      stream.end()
      void wait().then(() => socket.reset())
    })
    const peerError = new Promise<string>(resolve => {
      peer.on('error', (error: NodeJS.ErrnoException) => resolve(error.code!))
    })
    // Reading stops at the end; only a write meets the reset that came after.
    peer.resume().on('end', () => setTimeout(() => peer.write('x'), 30))
    await closed
    t.match(await peerError, /ECONNRESET|EPIPE/)
    t.strictSame(errors, [])
    await waitUntil(() => !process.getActiveResourcesInfo().includes('TCPSocketWrap'), 'the handle is closed')
  })
}

t.test('a client that is closed just before the splice takes the endpoint with it', async t => {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as { port: number }
  const open = async () => {
    const outer = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => undefined)
    const [stream] = (await once(server, 'connection')) as [Socket]
    t.teardown(() => outer.destroy())
    return stream
  }
  let openSockets = 2
  const owner = { onClose: () => void openSockets-- }
  const client = new NetSocket(await open(), owner)
  const endpoint = new NetSocket(await open(), owner)
  client.close()
  new NetTransport().splice(client, endpoint, { onUnpolled: () => undefined })
  await waitUntil(() => openSockets === 0, 'both sockets are closed')
})
