/** One end of a socket, as Node writes its address. */
export interface SocketEnd {
  readonly ip: string
  readonly port: number
}

/**
 * The local ends of our own sockets towards endpoints, of one protocol.
 *
 * An endpoint that is really a Service address (or one of our proxy ports) would send our connection back to us, and we
 * would send it on again, until no descriptor is left. A client that is one of these sockets gives the loop away.
 */
export class OwnSockets {
  /** How many sockets have each end: towards different endpoints the kernel gives one port to several. */
  readonly #counts = new Map<string, Map<number, number>>()

  add({ ip, port }: SocketEnd): void {
    let ports = this.#counts.get(ip)
    if (ports === undefined) this.#counts.set(ip, (ports = new Map()))
    ports.set(port, (ports.get(port) ?? 0) + 1)
  }

  delete({ ip, port }: SocketEnd): void {
    const ports = this.#counts.get(ip)
    const left = (ports?.get(port) ?? 1) - 1
    if (left > 0) return void ports?.set(port, left)
    ports?.delete(port)
    if (ports?.size === 0) this.#counts.delete(ip)
  }

  has({ ip, port }: SocketEnd): boolean {
    return this.#counts.get(ip)?.has(port) ?? false
  }
}
