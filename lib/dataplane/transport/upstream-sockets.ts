import { hostPort } from '../../model/address.js'

/** One end of a socket, as Node writes its address. */
export interface SocketAddress {
  readonly ip: string
  readonly port: number
}

/** A socket on the list, for taking it off again. */
export type UpstreamSocketKey = string

/**
 * Our own sockets towards endpoints, of one protocol, by both of their ends.
 *
 * An endpoint that is really one of our listeners would send our connection back to us, and we would send it on again, until
 * no descriptor is left. A client that comes to a listener as one of these sockets gives the loop away. One end alone says
 * nothing: towards different destinations the kernel gives one port to many sockets, of ours and of other processes.
 */
export class UpstreamSockets {
  readonly #sockets = new Set<UpstreamSocketKey>()

  /** @param remote the endpoint */
  add(local: SocketAddress, remote: SocketAddress): UpstreamSocketKey {
    const socket = keyOf(local, remote)
    this.#sockets.add(socket)
    return socket
  }

  delete(socket: UpstreamSocketKey): void {
    this.#sockets.delete(socket)
  }

  /** Whether a client of a listener is one of us. */
  has(client: SocketAddress, listener: SocketAddress): boolean {
    return this.#sockets.size > 0 && this.#sockets.has(keyOf(client, listener))
  }
}

function keyOf(local: SocketAddress, remote: SocketAddress): string {
  return `${hostPort(local.ip, local.port)} ${hostPort(remote.ip, remote.port)}`
}
