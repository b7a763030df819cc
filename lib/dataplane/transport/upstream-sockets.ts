import { hostPort } from '../../model/address.js'

/** One end of a socket, with the address as Node.js writes it. */
export interface SocketAddress {
  readonly ip: string
  readonly port: number
}

/** An entry of the list, which deletes it. */
export type UpstreamSocketKey = string

/**
 * The proxy's own sockets to endpoints, of one protocol, by both of their ends.
 *
 * If an endpoint is a listener of this proxy, the proxy would connect to itself again and again, until no descriptor is left. A
 * client of a listener that is one of these sockets reveals the loop. Both ends are needed: the kernel gives one local port to
 * many sockets with different destinations, also of other processes.
 */
export class UpstreamSockets {
  readonly #sockets = new Set<UpstreamSocketKey>()

  /** Adds a socket. @param remote the endpoint's end @returns the entry, for `delete` */
  add(local: SocketAddress, remote: SocketAddress): UpstreamSocketKey {
    const socket = keyOf(local, remote)
    this.#sockets.add(socket)
    return socket
  }

  /** The socket is closed. */
  delete(socket: UpstreamSocketKey): void {
    this.#sockets.delete(socket)
  }

  /** Whether a client of a listener is a socket of this proxy. */
  has(client: SocketAddress, listener: SocketAddress): boolean {
    return this.#sockets.size > 0 && this.#sockets.has(keyOf(client, listener))
  }
}

function keyOf(local: SocketAddress, remote: SocketAddress): string {
  return `${hostPort(local.ip, local.port)} ${hostPort(remote.ip, remote.port)}`
}
