/** A connection of which one direction has ended. */
export interface HalfClosed {
  readonly bytesToEndpoint: number
  readonly bytesToClient: number
  reset(): void
}

interface Watched {
  bytes: number
  /** Since when nothing has moved, as far as was looked. */
  quietSince: number
}

/**
 * Ends connections of which one direction has ended while nothing moves in the other: nothing is read any more from the side
 * that has ended, so nothing tells that it is gone.
 *
 * One for all connections, which are looked at now and then: a timer for each would cost every short connection more than
 * its share of a look does.
 */
export class HalfClosedLimit {
  readonly #ms: number
  readonly #watched = new Map<HalfClosed, Watched>()

  /** @param ms how long such a connection may be silent, in milliseconds */
  constructor(ms: number) {
    this.#ms = ms
  }

  /** Begins to watch one; its time runs from the next look. */
  add(connection: HalfClosed): void {
    this.#watched.set(connection, { bytes: -1, quietSince: 0 })
  }

  /** It has ended. */
  delete(connection: HalfClosed): void {
    this.#watched.delete(connection)
  }

  /** Looks at all of them. @param now milliseconds of a clock that only goes forward */
  look(now: number): void {
    for (const [connection, watched] of this.#watched) {
      const bytes = connection.bytesToEndpoint + connection.bytesToClient
      if (bytes !== watched.bytes) {
        watched.bytes = bytes
        watched.quietSince = now
      } else if (now - watched.quietSince >= this.#ms) {
        this.#watched.delete(connection)
        connection.reset()
      }
    }
  }
}
