import { type Socket } from 'node:net'

/**
 * Limits how many clients some ports have together. At the limit, a client that does nothing gives its place to a new one:
 * otherwise a few hosts that hold connections open would keep the probes of the kubelet and of load balancers out.
 */
export class ClientLimit {
  readonly max: number
  /**
   * The number of requests of each client that have no complete response yet. In the order of the last start or end of a request, or
   * of the arrival if there was none: the client idle longest is before all others that are idle.
   */
  readonly #clients = new Map<Socket, number>()

  constructor(max: number) {
    this.max = max
  }

  /** Whether the new client gets a place, which another client may lose for it. */
  admit(socket: Socket): boolean {
    if (this.#clients.size >= this.max) {
      const victim = chooseVictim([...this.#clients, [socket, 0] as const].map(describe))
      if (victim.socket === socket) return false
      this.#clients.delete(victim.socket)
      victim.socket.destroy()
    }
    this.#clients.set(socket, 0)
    socket.once('close', () => this.#clients.delete(socket))
    return true
  }

  /** Records that a client has sent a request. Call `endRequest` once its response is complete or cut off. */
  startRequest(socket: Socket): void {
    this.#addRequests(socket, 1)
  }

  /** Records that a request of a client no longer runs. */
  endRequest(socket: Socket): void {
    this.#addRequests(socket, -1)
  }

  #addRequests(socket: Socket, change: 1 | -1): void {
    const requests = this.#clients.get(socket)
    // It has lost its place, or has closed the connection.
    if (requests === undefined) return
    this.#clients.delete(socket)
    this.#clients.set(socket, requests + change)
  }
}

/** A client as the choice sees it. */
export interface LimitedClient {
  readonly address: string
  /** Whether it is a process of this node, such as the kubelet. */
  readonly isFromNode: boolean
  /** Whether a request of it has no complete response yet. */
  readonly isBusy: boolean
}

/**
 * Chooses the client that loses its place: of the address with the most clients, the one idle longest. A client whose request runs,
 * such as a profile of a minute, gives way only if no other client of such an address is idle. Clients of this node give way only to
 * each other: no other host can keep the kubelet out.
 *
 * @param clients all of them, with the new one last; of the idle ones, the one idle longest first
 */
export function chooseVictim<Client extends LimitedClient>(clients: readonly Client[]): Client {
  const remote = clients.filter(({ isFromNode }) => !isFromNode)
  const candidates = remote.length > 0 ? remote : clients
  const counts = new Map<string, number>()
  for (const { address } of candidates) counts.set(address, (counts.get(address) ?? 0) + 1)
  const most = Math.max(...counts.values())
  const greediest = candidates.filter(({ address }) => counts.get(address) === most)
  const newest = clients.at(-1)
  return greediest.find(client => !client.isBusy && client !== newest) ?? greediest[0]!
}

function describe([socket, requests]: readonly [Socket, number]): LimitedClient & { readonly socket: Socket } {
  const address = socket.remoteAddress ?? ''
  // The kernel gives a connection from the node to one of its addresses that same address as source.
  return { socket, address, isFromNode: address === socket.localAddress, isBusy: requests > 0 }
}
