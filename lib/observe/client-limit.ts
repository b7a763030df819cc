import { type Socket } from 'node:net'

/**
 * Limits how many clients some ports have together. At the limit, a client that does nothing gives its place to a new one:
 * otherwise a few hosts that hold connections open would keep the probes of the kubelet and of load balancers out.
 */
export class ClientLimit {
  readonly max: number
  /** In the order of their last request, or of their arrival if they have sent none: the one idle longest is first. */
  readonly #clients = new Set<Socket>()

  constructor(max: number) {
    this.max = max
  }

  /** Whether the new client gets a place, which another client may lose for it. */
  admit(socket: Socket): boolean {
    if (this.#clients.size >= this.max) {
      const victim = chooseVictim([...this.#clients, socket].map(describe))
      if (victim.socket === socket) return false
      this.#clients.delete(victim.socket)
      victim.socket.destroy()
    }
    this.#clients.add(socket)
    socket.once('close', () => this.#clients.delete(socket))
    return true
  }

  /** Records that a client has sent a request. */
  markActive(socket: Socket): void {
    if (this.#clients.delete(socket)) this.#clients.add(socket)
  }
}

/** A client as the choice sees it. */
export interface LimitedClient {
  readonly address: string
  /** Whether it is a process of this node, such as the kubelet. */
  readonly isFromNode: boolean
}

/**
 * Chooses the client that loses its place: of the address with the most clients, the one idle longest. Clients of this node give
 * way only to each other: no other host can keep the kubelet out.
 *
 * @param clients all of them, with the new one last; the one idle longest first
 */
export function chooseVictim<Client extends LimitedClient>(clients: readonly Client[]): Client {
  const remote = clients.filter(({ isFromNode }) => !isFromNode)
  const candidates = remote.length > 0 ? remote : clients
  const counts = new Map<string, number>()
  for (const { address } of candidates) counts.set(address, (counts.get(address) ?? 0) + 1)
  const most = Math.max(...counts.values())
  return candidates.find(({ address }) => counts.get(address) === most)!
}

function describe(socket: Socket): LimitedClient & { readonly socket: Socket } {
  const address = socket.remoteAddress ?? ''
  // The kernel gives a connection from the node to one of its addresses that same address as source.
  return { socket, address, isFromNode: address === socket.localAddress }
}
