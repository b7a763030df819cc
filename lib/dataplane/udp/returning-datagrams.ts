import { hash } from 'node:crypto'

/**
 * So many equal datagrams without an answer pass in one second. A round takes some 0.1 ms, so a circle exceeds it at once; a client that
 * counts events by datagrams, as for statsd, stays below.
 */
export const MAX_EQUAL_DATAGRAMS = 1000
const WINDOW_MS = 1000
/** The most different datagrams that are counted in one second. */
const MAX_COUNTED = 1000

/**
 * Finds datagrams that go round: a forwarder at an endpoint's address sends them back to the Service, and the Service sends them to the
 * forwarder again. A new flow at each round, or one that never ends, would carry them forever, since a datagram that passes a
 * process gets a new hop limit.
 *
 * A datagram that goes round comes from an endpoint's address, is always the same, and has no answer. A Pod that uses its own
 * Service may do all that too, but not a thousand times in a second.
 */
export class ReturningDatagrams {
  #since = -Infinity
  /** How often each datagram has come since then, by client and content. */
  readonly #counts = new Map<string, number>()

  /**
   * Counts a datagram without an answer.
   * @param client has the address of an endpoint of the Service
   * @param now milliseconds of the data plane's clock
   * @returns whether it goes round
   */
  add(client: string, datagram: Buffer, now: number): boolean {
    if (now - this.#since >= WINDOW_MS) {
      this.#since = now
      this.#counts.clear()
    }
    const key = `${client} ${hash('sha1', datagram, 'base64')}`
    const count = (this.#counts.get(key) ?? 0) + 1
    if (count > 1 || this.#counts.size < MAX_COUNTED) this.#counts.set(key, count)
    return count > MAX_EQUAL_DATAGRAMS
  }
}
