import { once } from 'node:events'
import { type AddressInfo, type Socket, connect, createServer } from 'node:net'
import { type Test } from 'tap'

/** Two connected sockets of this process. */
export async function connectedSockets(t: Test): Promise<readonly [Socket, Socket]> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [other] = (await once(server, 'connection')) as [Socket]
  t.teardown(() => {
    for (const end of [client, other]) end.destroy()
    server.close()
  })
  return [client, other]
}
