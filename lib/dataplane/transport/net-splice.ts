import { type HalfClosedLimit } from '../limits/half-closed-limit.js'
import { type NetSocket, type NetSocketEvents } from './net-socket.js'
import { type SpliceFailure, type TcpSplice } from './tcp-transport.js'

/** A splice with Node.js's public streams. Both sockets must have been made with `allowHalfOpen`. */
export class NetSplice implements TcpSplice, NetSocketEvents {
  readonly #client: NetSocket
  readonly #endpoint: NetSocket
  readonly #limit: HalfClosedLimit
  #failure: SpliceFailure | undefined
  #open = 2

  constructor(client: NetSocket, endpoint: NetSocket, limit: HalfClosedLimit) {
    this.#client = client
    this.#endpoint = endpoint
    this.#limit = limit
    client.events = this
    endpoint.events = this
    this.#pipe(client, endpoint)
    this.#pipe(endpoint, client)
  }

  get bytesToEndpoint(): number {
    return this.#client.stream.bytesRead
  }

  get bytesToClient(): number {
    return this.#endpoint.stream.bytesRead
  }

  get failure(): SpliceFailure | undefined {
    return this.#failure
  }

  reset(): void {
    this.#client.reset()
    this.#endpoint.reset()
  }

  onError(socket: NetSocket, error: Error): void {
    this.#failure ??= { side: socket === this.#client ? 'client' : 'endpoint', error }
  }

  onClose(socket: NetSocket, hadError: boolean): void {
    if (hadError) (socket === this.#client ? this.#endpoint : this.#client).reset()
    if (--this.#open === 0) this.#limit.delete(this)
  }

  #pipe({ stream: from }: NetSocket, { stream: to }: NetSocket): void {
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
