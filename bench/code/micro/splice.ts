import { once } from 'node:events'
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net'
import { TcpHandleTransport } from '../../../lib/dataplane/transport/tcp-handle-transport.js'
import { NetTransport } from '../../../lib/dataplane/transport/net-transport.js'
import { type TcpServer, type TcpSocket, type TcpTransport } from '../../../lib/dataplane/transport/tcp-transport.js'
import { type MicroBench } from './micro-bench.js'

const CHUNK = Buffer.alloc(64 * 1024)
const KEEP_ALIVE_MS = 15_000

/** Two spliced connections over loopback: `client` and `endpoint` are the outer ends. */
interface Pair {
  readonly client: Socket
  readonly endpoint: Socket
}

/** Client, proxy and endpoint are in this process: the result is their sum, so only differences matter. */
export async function spliceBenches(): Promise<MicroBench[]> {
  return [
    ...(await transportBenches('public', new NetTransport())),
    ...(await transportBenches('handles', new TcpHandleTransport())),
  ]
}

async function transportBenches(name: string, transport: TcpTransport): Promise<MicroBench[]> {
  const stage = await SpliceSetup.start(transport)
  const bulk = await stage.connectPair()
  const chat = await stage.connectPair()
  chat.endpoint.on('data', data => chat.endpoint.write(data))
  bulk.endpoint.resume()
  return [
    {
      name: `splice, ${name}: bulk`,
      operation: '64 KiB from client to endpoint',
      async run(count) {
        const target = bulk.endpoint.bytesRead + count * CHUNK.length
        for (let n = 0; n < count; n++) if (!bulk.client.write(CHUNK)) await once(bulk.client, 'drain')
        while (bulk.endpoint.bytesRead < target) await once(bulk.endpoint, 'data')
      },
    },
    {
      name: `splice, ${name}: request and answer`,
      operation: '64 bytes there and back',
      async run(count) {
        for (let n = 0; n < count; n++) {
          chat.client.write(CHUNK.subarray(0, 64))
          await once(chat.client, 'data')
        }
      },
    },
    {
      name: `splice, ${name}: connection`,
      operation: 'two connections made, joined, ended',
      async run(count) {
        for (let n = 0; n < count; n++) await closePair(await stage.connectPair())
      },
      end() {
        for (const { client, endpoint } of [bulk, chat]) {
          client.destroy()
          endpoint.destroy()
        }
        stage.close()
      },
    },
  ]
}

/** A listening socket for clients, and an endpoint behind it. */
class SpliceSetup {
  readonly #transport: TcpTransport
  readonly #server: Server
  #listener: TcpServer | undefined
  #onClient: (client: TcpSocket) => void = () => undefined

  private constructor(transport: TcpTransport, server: Server) {
    this.#transport = transport
    this.#server = server
  }

  static async start(transport: TcpTransport): Promise<SpliceSetup> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const stage = new SpliceSetup(transport, server)
    stage.#listener = await transport.listen({
      address: '127.0.0.1',
      port: 0,
      backlog: 511,
      keepAliveMs: KEEP_ALIVE_MS,
      onClient: client => stage.#onClient(client),
      onError: error => {
        throw error
      },
    })
    return stage
  }

  async connectPair(): Promise<Pair> {
    const accepted = new Promise<TcpSocket>(resolve => (this.#onClient = resolve))
    const client = connect({ port: this.#listener!.port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    client.on('error', () => undefined)
    await once(client, 'connect')
    const toClient = await accepted
    const reached = once(this.#server, 'connection') as Promise<[Socket]>
    const toEndpoint = await this.#connectEndpoint()
    const [endpoint] = await reached
    endpoint.on('error', () => undefined)
    endpoint.resume()
    this.#transport.splice(toClient, toEndpoint, { onUnpolled: () => undefined })
    return { client, endpoint }
  }

  close(): void {
    this.#listener?.close()
    this.#server.close()
  }

  #connectEndpoint(): Promise<TcpSocket> {
    const { port } = this.#server.address() as AddressInfo
    return new Promise((resolve, reject) => {
      this.#transport.connect({ ip: '127.0.0.1', port }, KEEP_ALIVE_MS, {
        onConnecting: () => undefined,
        onConnect: resolve,
        onError: (_, error) => reject(error),
        onClose: () => undefined,
      })
    })
  }
}

async function closePair({ client, endpoint }: Pair): Promise<void> {
  const closed = Promise.all([once(client, 'close'), once(endpoint, 'close')])
  client.resume()
  endpoint.once('end', () => endpoint.end())
  client.end()
  await closed
}
