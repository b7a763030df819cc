/** A connection of which one direction has ended; a TcpSplice is one. */
export interface HalfClosedConnection {
  readonly bytesToEndpoint: number
  readonly bytesToClient: number
  reset(): void
}

interface WatchState {
  bytes: number
  /** Time of the first sweep that found no new byte, in milliseconds of the clock. */
  idleSince: number
}

/**
 * Resets connections of which one direction has ended while the other one is silent. Nothing is read any more from the side that
 * has ended, so nothing reports that this side is gone.
 *
 * One object watches all connections, and checks them now and then: for a short connection, a timer of its own would cost more
 * than its share of a check.
 */
export class HalfClosedLimit {
  readonly #timeoutMs: number
  readonly #watched = new Map<HalfClosedConnection, WatchState>()

  /** @param timeoutMs how long such a connection may be silent, in milliseconds */
  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs
  }

  /** Begins to watch a connection. Its time runs from the next sweep. */
  add(connection: HalfClosedConnection): void {
    this.#watched.set(connection, { bytes: -1, idleSince: 0 })
  }

  /** The connection has ended. */
  delete(connection: HalfClosedConnection): void {
    this.#watched.delete(connection)
  }

  /** Checks all connections. @param now milliseconds of a clock that only goes forward */
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
