import { once } from 'node:events'
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net'

/**
 * A load balancer that forwards connections. When its far side dies, the connections of clients stay open: the relay accepts every
 * byte and every keep-alive probe, and forwards nothing.
 */
export class TcpRelay {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #targetPort: number
  /** Whether new connections reach the target. */
  reachesTarget = true
  /** How many connections of clients there have been. */
  accepted = 0

  private constructor(targetPort: number) {
    this.#targetPort = targetPort
    this.#server = createServer(client => this.#forward(client))
  }

  /** Starts to forward connections to a port of 127.0.0.1. */
  static async start(t: { teardown(action: () => unknown): void }, targetPort: number): Promise<TcpRelay> {
    const relay = new TcpRelay(targetPort)
    relay.#server.listen(0, '127.0.0.1')
    await once(relay.#server, 'listening')
    t.teardown(() => {
      relay.#server.close()
      for (const socket of relay.#sockets) socket.destroy()
    })
    return relay
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** The far side of every open connection dies without a word. */
  freezeConnections(): void {
    for (const socket of this.#sockets) {
      socket.unpipe()
      socket.resume()
    }
  }

  #forward(client: Socket): void {
    this.accepted++
    this.#add(client)
    client.resume()
    if (!this.reachesTarget) return
    const server = connect(this.#targetPort, '127.0.0.1')
    this.#add(server)
    client.pipe(server)
    server.pipe(client)
  }

  #add(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => this.#sockets.delete(socket))
  }
}
