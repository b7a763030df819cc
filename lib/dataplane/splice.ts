import { type HalfClosedLimit } from './half-closed-limit.js'
import { type NetSocket, type NetSocketUser } from './net-socket.js'
import { type SpliceBreak, type TcpSplice } from './tcp-transport.js'

/** A splice by way of Node's public streams. Both sockets must have been made with `allowHalfOpen`. */
export class Splice implements TcpSplice, NetSocketUser {
  readonly #client: NetSocket
  readonly #endpoint: NetSocket
  readonly #limit: HalfClosedLimit
  #broken: SpliceBreak | undefined
  #open = 2

  constructor(client: NetSocket, endpoint: NetSocket, limit: HalfClosedLimit) {
    this.#client = client
    this.#endpoint = endpoint
    this.#limit = limit
    client.user = this
    endpoint.user = this
    this.#join(client, endpoint)
    this.#join(endpoint, client)
  }

  get bytesToEndpoint(): number {
    return this.#client.stream.bytesRead
  }

  get bytesToClient(): number {
    return this.#endpoint.stream.bytesRead
  }

  get broken(): SpliceBreak | undefined {
    return this.#broken
  }

  reset(): void {
    this.#client.reset()
    this.#endpoint.reset()
  }

  broke(socket: NetSocket, error: Error): void {
    this.#broken ??= { side: socket === this.#client ? 'client' : 'endpoint', error }
  }

  ended(socket: NetSocket, hadError: boolean): void {
    if (hadError) (socket === this.#client ? this.#endpoint : this.#client).reset()
    if (--this.#open === 0) this.#limit.delete(this)
  }

  #join({ stream: from }: NetSocket, { stream: to }: NetSocket): void {
    from.on('data', chunk => {
      if (!to.write(chunk)) from.pause()
    })
    to.on('drain', () => from.resume())
    from.on('end', () => {
      to.end()
      this.#limit.add(this)
    })
    from.resume()
  }
}
