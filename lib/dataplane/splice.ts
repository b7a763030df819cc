import { type Socket } from 'node:net'

/** Who broke a connection that did not end in the ordinary way, and how. */
export interface SpliceBreak {
  readonly side: 'client' | 'endpoint'
  readonly error: Error
}

/**
 * Joins a client's socket and an endpoint's: what one sends, the other gets.
 *
 *     client ──data──▶ endpoint      each direction by itself: a write that the kernel does not take at once
 *     client ◀──data── endpoint      stops the reading side until it has (back-pressure)
 *
 * Half-close: the end of one direction shuts down only the write side of the other socket; both close when both
 * directions have ended. A reset on one side is a reset on the other: the peer must be able to tell a broken answer from
 * a complete one. Both sockets must have been made with `allowHalfOpen`.
 *
 * A connection of which one direction has ended and the other is silent for `halfClosedMs` milliseconds is reset.
 * `onDone` is called once, when both sockets are closed.
 */
export class Splice {
  readonly #client: Socket
  readonly #endpoint: Socket
  readonly #halfClosedMs: number
  readonly #onDone: (broken: SpliceBreak | undefined) => void
  #broken: SpliceBreak | undefined
  #open = 2

  constructor(
    client: Socket,
    endpoint: Socket,
    halfClosedMs: number,
    onDone: (broken: SpliceBreak | undefined) => void,
  ) {
    this.#halfClosedMs = halfClosedMs
    this.#client = client
    this.#endpoint = endpoint
    this.#onDone = onDone
    this.#join('client', client, endpoint)
    this.#join('endpoint', endpoint, client)
  }

  get bytesToEndpoint(): number {
    return this.#client.bytesRead
  }

  get bytesToClient(): number {
    return this.#endpoint.bytesRead
  }

  /** Breaks the connection off, with a reset to both sides. */
  reset(): void {
    this.#client.resetAndDestroy()
    this.#endpoint.resetAndDestroy()
  }

  #join(side: SpliceBreak['side'], from: Socket, to: Socket): void {
    from.on('data', chunk => {
      if (!to.write(chunk)) from.pause()
    })
    to.on('drain', () => from.resume())
    from.on('end', () => {
      to.end()
      // From here on nothing is read from this side, so nothing tells that it is gone: a limit has to.
      for (const socket of [from, to]) socket.setTimeout(this.#halfClosedMs, () => this.reset())
    })
    from.on('error', error => {
      this.#broken ??= { side, error }
    })
    from.on('close', hadError => {
      if (hadError) to.resetAndDestroy()
      if (--this.#open === 0) this.#onDone(this.#broken)
    })
    from.resume()
  }
}
