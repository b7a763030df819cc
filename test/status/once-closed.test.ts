import { once } from 'node:events'
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import t from 'tap'
import { hasLeft, onceClosed } from '../../lib/status/once-closed.js'
import { RawClient } from '../support/status/raw-client.js'

t.test('a response that waits for an earlier one is over when the connection is, once', async t => {
  const responses: ServerResponse[] = []
  const server = createServer((_request: IncomingMessage, response: ServerResponse) => {
    responses.push(response)
    if (responses.length === 2) server.emit('both')
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const client = await RawClient.open(t, (server.address() as AddressInfo).port)
  const both = once(server, 'both')
  client.send('/', '/')
  await both
  const [first, second] = responses as [ServerResponse, ServerResponse]
  const order: string[] = []
  onceClosed(first, () => order.push('first'))
  const closed = new Promise<void>(resolve =>
    onceClosed(second, () => {
      order.push('second')
      resolve()
    }),
  )
  t.equal(second.socket, null, 'Node.js has not given it the connection')
  t.equal(hasLeft(second), false)
  client.socket.destroy()
  await closed
  t.strictSame(order.sort(), ['first', 'second'])
  t.equal(hasLeft(second), true)
  onceClosed(second, () => order.push('later'))
  t.equal(order.at(-1), 'later', 'what is closed already is said at once')
})

t.test('a response that is complete is over while its connection goes on', async t => {
  let calls = 0
  const server = createServer((_request, response) => {
    onceClosed(response, () => {
      if (++calls === 2) server.emit('over', response.req.socket.listenerCount('close'))
    })
    response.end()
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  server.once('connection', socket => server.emit('listeners', socket.listenerCount('close')))
  const before = once(server, 'listeners')
  const client = await RawClient.open(t, (server.address() as AddressInfo).port)
  const over = once(server, 'over')
  client.send('/', '/')
  t.strictSame(await over, await before, 'no listener is left at the connection')
  await client.ended
  t.equal(calls, 2)
})
