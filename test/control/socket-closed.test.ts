import { once } from 'node:events'
import t from 'tap'
import { socketClosed } from '../../lib/control/socket-closed.js'
import { connectedSockets } from '../support/pods/connected-sockets.js'

t.test('a socket is closed after an end, a reset by the other side, and its own destruction', async t => {
  for (const how of ['end', 'reset', 'destroy'] as const) {
    const [client, other] = await connectedSockets(t)
    client.on('error', () => undefined).resume()
    const closed = socketClosed(client)
    if (how === 'end') other.end()
    else if (how === 'reset') other.resetAndDestroy()
    else client.destroy()
    await t.resolves(closed, how)
    await t.resolves(socketClosed(client), 'also for one that has been closed before')
  }
})

t.test('a socket that is open is not closed', async t => {
  const [client, other] = await connectedSockets(t)
  let isClosed = false
  void socketClosed(client).then(() => (isClosed = true))
  other.write('text')
  await once(client, 'data')
  t.notOk(isClosed)
})
