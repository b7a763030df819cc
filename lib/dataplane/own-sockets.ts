import { hostPort } from '../model/address.js'

/**
 * The local ends of our own connections towards endpoints.
 *
 * An endpoint that is really a Service address (or one of our proxy ports) would send our connection back to us, and we
 * would send it on again, until no descriptor is left. A client that is one of these sockets gives the loop away.
 */
export class OwnSockets {
  readonly #names = new Set<string>()

  /**
   * @param ip as Node writes it, on both sides
   * @returns a function that takes the socket off the list again
   */
  add(ip: string | undefined, port: number | undefined): () => void {
    if (ip === undefined || port === undefined) return () => undefined
    const name = hostPort(ip, port)
    this.#names.add(name)
    return () => this.#names.delete(name)
  }

  has(ip: string, port: number): boolean {
    return this.#names.size > 0 && this.#names.has(hostPort(ip, port))
  }
}
