import { type UnpolledTimes } from './gone-peer-rule.js'

/** A connection with a socket that the event loop does not poll; a TcpConnection is one. */
export interface UnpolledConnection {
  readonly bytesToEndpoint: number
  readonly bytesToClient: number
  /** Whether there is a socket that the event loop does not poll. */
  readonly isUnpolled: boolean
  /** Both of its sockets are polled, and bytes move. */
  onPolledAgain(): void
  /** Ends the connection if a peer is gone. */
  checkPeers(times: UnpolledTimes): void
}

interface Progress {
  /** Time of the first sweep since both sockets were polled last, in milliseconds of the clock. */
  since: number | undefined
  bytes: number
  /** Time of the first sweep that found no new byte. */
  quietSince: number
}

/**
 * Connections that one sweep checks. A check takes 2 to 6 microseconds, nearly all of it in system calls: 10,000 half-closed
 * connections cost half a percent of a CPU, and each is checked every 6 seconds.
 */
const MAX_CHECKS_PER_SWEEP = 400

/**
 * The connections with a socket that the event loop does not poll: while the client waits for an endpoint, after a peer has
 * finished sending, and while a peer is held back. The kernel drops such a socket when its peer sends a reset or does not answer
 * keep-alives, and nothing reports it: libuv polls a socket only to read or to write, and after the end of the data the kernel would
 * report the socket as readable all the time.
 *
 * One sweep now and then asks the kernel about all of them: for a short connection, a timer of its own would cost more than its
 * share of a sweep. Other connections cost nothing. When there are very many, each sweep takes those whose last check is the
 * longest ago.
 */
export class UnpolledConnections {
  /** In the order of their last check. */
  readonly #connections = new Map<UnpolledConnection, Progress>()

  /** A socket of the connection is not polled from now on. */
  add(connection: UnpolledConnection): void {
    if (this.#connections.has(connection)) return
    this.#connections.set(connection, { since: undefined, bytes: -1, quietSince: 0 })
  }

  /** The connection has ended, or both of its sockets are polled. */
  delete(connection: UnpolledConnection): void {
    this.#connections.delete(connection)
  }

  /** Checks the connections. @param now milliseconds of a clock that only goes forward */
  sweep(now: number): void {
    let checks = Math.min(this.#connections.size, MAX_CHECKS_PER_SWEEP)
    for (const [connection, progress] of this.#connections) {
      if (checks-- === 0) return
      this.#connections.delete(connection)
      progress.since ??= now
      const bytes = connection.bytesToEndpoint + connection.bytesToClient
      if (bytes !== progress.bytes) {
        progress.bytes = bytes
        progress.quietSince = now
        // Both are polled at the moment: a time without polling would start now.
        if (!connection.isUnpolled) progress.since = now
      }
      // A socket that is read from may still have old bytes in the kernel, until a whole period has brought none.
      else if (!connection.isUnpolled) {
        connection.onPolledAgain()
        continue
      }
      this.#connections.set(connection, progress)
      connection.checkPeers({ unpolledMs: now - progress.since, quietMs: now - progress.quietSince })
    }
  }
}
