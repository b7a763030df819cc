import { type BalancedEndpoint } from './balanced-endpoint.js'

interface AffinityRecord {
  readonly endpoint: BalancedEndpoint
  lastUsed: number
}

/**
 * The endpoint of each client, and the time of its last use.
 *
 * A Map has its entries in the order in which they were set, and every use sets the entry again. So the oldest is always first:
 *
 *     first                                   last
 *     [client, used 09:00] [client, 09:20] ... [client, just now]      the first ones expire, or leave when the table is full
 */
export class AffinityTable {
  readonly #records = new Map<string, AffinityRecord>()
  readonly #capacity: number

  /** @param capacity the most clients; one more removes the client with the oldest last use */
  constructor(capacity: number) {
    this.#capacity = capacity
  }

  /** How many clients the table has. */
  get size(): number {
    return this.#records.size
  }

  /** The client's endpoint, if its last use was less than `ttlMs` milliseconds before `now`. This counts as a use. */
  use(client: string, now: number, ttlMs: number): BalancedEndpoint | undefined {
    const record = this.#records.get(client)
    if (record === undefined || now - record.lastUsed >= ttlMs) return undefined
    record.lastUsed = now
    this.#records.delete(client)
    this.#records.set(client, record)
    return record.endpoint
  }

  /** Records the endpoint of a client, used now. */
  set(client: string, endpoint: BalancedEndpoint, now: number): void {
    this.#records.delete(client)
    this.#records.set(client, { endpoint, lastUsed: now })
    if (this.#records.size > this.#capacity) this.#records.delete(this.#records.keys().next().value!)
  }

  /** Removes the clients without a use for `ttlMs` milliseconds. */
  expire(now: number, ttlMs: number): void {
    for (const [client, record] of this.#records) {
      if (now - record.lastUsed < ttlMs) return
      this.#records.delete(client)
    }
  }

  /** Removes the clients of all endpoints that are not in the set. */
  retain(endpoints: ReadonlySet<BalancedEndpoint>): void {
    for (const [client, { endpoint }] of this.#records) if (!endpoints.has(endpoint)) this.#records.delete(client)
  }
}
