/** A connection of which one direction has ended. */
export interface HalfClosedConnection {
  readonly bytesToEndpoint: number
  readonly bytesToClient: number
  reset(): void
}

interface WatchState {
  bytes: number
  /** Since when nothing has moved, as far as was looked. */
  idleSince: number
}

/**
 * Ends connections of which one direction has ended while nothing moves in the other: nothing is read any more from the side
 * that has ended, so nothing tells that it is gone.
 *
 * One for all connections, which are looked at now and then: a timer for each would cost every short connection more than
 * its share of a look does.
 */
export class HalfClosedLimit {
  readonly #timeoutMs: number
  readonly #watched = new Map<HalfClosedConnection, WatchState>()

  /** @param ms how long such a connection may be silent, in milliseconds */
  constructor(ms: number) {
    this.#timeoutMs = ms
  }

  /** Begins to watch one; its time runs from the next look. */
  add(connection: HalfClosedConnection): void {
    this.#watched.set(connection, { bytes: -1, idleSince: 0 })
  }

  /** It has ended. */
  delete(connection: HalfClosedConnection): void {
    this.#watched.delete(connection)
  }

  /** Looks at all of them. @param now milliseconds of a clock that only goes forward */
  sweep(now: number): void {
    for (const [connection, watched] of this.#watched) {
      const bytes = connection.bytesToEndpoint + connection.bytesToClient
      if (bytes !== watched.bytes) {
        watched.bytes = bytes
        watched.idleSince = now
      } else if (now - watched.idleSince >= this.#timeoutMs) {
        this.#watched.delete(connection)
        connection.reset()
      }
    }
  }
}
