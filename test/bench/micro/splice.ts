import { once } from 'node:events'
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net'
import { Splice } from '../../../lib/dataplane/splice.js'
import { type MicroBench } from './micro-bench.js'

const CHUNK = Buffer.alloc(64 * 1024)
const HALF_CLOSED_MS = 60_000

/** Two connections over loopback, joined: `client` and `endpoint` are the far ends. */
interface Pair {
  readonly client: Socket
  readonly endpoint: Socket
}

/** Client, proxy and endpoint are all in this process: what they cost together, so only differences say something. */
export async function spliceBenches(): Promise<MicroBench[]> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const bulk = await pairThrough(server)
  const chat = await pairThrough(server)
  chat.endpoint.on('data', data => chat.endpoint.write(data))
  bulk.endpoint.resume()
  return [
    {
      name: 'splice: bulk',
      operation: '64 KiB from client to endpoint',
      async run(count) {
        const wanted = bulk.endpoint.bytesRead + count * CHUNK.length
        for (let n = 0; n < count; n++) if (!bulk.client.write(CHUNK)) await once(bulk.client, 'drain')
        while (bulk.endpoint.bytesRead < wanted) await once(bulk.endpoint, 'data')
      },
    },
    {
      name: 'splice: request and answer',
      operation: '64 bytes there and back',
      async run(count) {
        for (let n = 0; n < count; n++) {
          chat.client.write(CHUNK.subarray(0, 64))
          await once(chat.client, 'data')
        }
      },
    },
    {
      name: 'splice: connection',
      operation: 'two connections made, joined, ended',
      async run(count) {
        for (let n = 0; n < count; n++) await endInTurn(await pairThrough(server))
      },
      end() {
        for (const { client, endpoint } of [bulk, chat]) {
          client.destroy()
          endpoint.destroy()
        }
        server.close()
      },
    },
  ]
}

async function pairThrough(server: Server): Promise<Pair> {
  const [client, toClient] = await connection(server)
  const [toEndpoint, endpoint] = await connection(server)
  for (const socket of [client, endpoint]) socket.on('error', () => undefined)
  endpoint.resume()
  new Splice(toClient, toEndpoint, HALF_CLOSED_MS, () => undefined)
  return { client, endpoint }
}

/** @returns the side that connected, and the side that was accepted */
async function connection(server: Server): Promise<[Socket, Socket]> {
  const { port } = server.address() as AddressInfo
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
  await once(socket, 'connect')
  return [socket, (await accepted)[0]]
}

async function endInTurn({ client, endpoint }: Pair): Promise<void> {
  const closed = Promise.all([once(client, 'close'), once(endpoint, 'close')])
  client.resume()
  endpoint.once('end', () => endpoint.end())
  client.end()
  await closed
}
