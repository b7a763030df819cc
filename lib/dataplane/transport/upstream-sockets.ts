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
 * client of a listener that is one of these sockets reveals the loop.
 *
 * TCP needs both ends: the kernel gives one local port to many sockets with different destinations, also of other processes. A UDP
 * socket has its local port alone, so its local end is enough, and rules on the way, as for a node port, hide nothing.
 */
export class UpstreamSockets {
  readonly #keyOf: (local: SocketAddress, remote: SocketAddress) => UpstreamSocketKey
  readonly #sockets = new Set<UpstreamSocketKey>()

  /** @param identity what identifies a socket: both ends for TCP, the local end for UDP */
  constructor(identity: 'both-ends' | 'local-end') {
    this.#keyOf = identity === 'both-ends' ? keyOfBoth : keyOfLocal
  }

  /** Adds a socket. @param remote the endpoint's end @returns the entry, for `delete` */
  add(local: SocketAddress, remote: SocketAddress): UpstreamSocketKey {
    const socket = this.#keyOf(local, remote)
    this.#sockets.add(socket)
    return socket
  }

  /** The socket is closed. */
  delete(socket: UpstreamSocketKey): void {
    this.#sockets.delete(socket)
  }

  /** Whether a client of a listener is a socket of this proxy. */
  has(client: SocketAddress, listener: SocketAddress): boolean {
    return this.#sockets.size > 0 && this.#sockets.has(this.#keyOf(client, listener))
  }
}

function keyOfLocal(local: SocketAddress): UpstreamSocketKey {
  return hostPort(local.ip, local.port)
}

function keyOfBoth(local: SocketAddress, remote: SocketAddress): string {
  return `${hostPort(local.ip, local.port)} ${hostPort(remote.ip, remote.port)}`
}
