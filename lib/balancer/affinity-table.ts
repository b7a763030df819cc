import { type AffinityBudget, AffinityHolder } from './affinity-budget.js'
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
 *     [client, used 09:00] [client, 09:20] ... [client, just now]      the first ones expire, or leave when there are too many
 */
export class AffinityTable extends AffinityHolder {
  readonly #records = new Map<string, AffinityRecord>()
  readonly #capacity: number
  readonly #budget: AffinityBudget
  #isClosed = false

  /**
   * @param capacity the most clients; one more removes the client with the oldest last use
   * @param budget counts the clients of all tables
   */
  constructor(capacity: number, budget: AffinityBudget) {
    super()
    this.#capacity = capacity
    this.#budget = budget
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

  /**
   * Every client once, the one with the oldest last use first; undefined for one that has left since the first step. The caller may use
   * clients between two steps. That moves them, so their names are copied first: 65,536 take a millisecond.
   * @param only the client to look for; undefined: all
   */
  *records(only?: string): Generator<(AffinityRecord & { readonly client: string }) | undefined> {
    for (const client of only === undefined ? [...this.#records.keys()] : [only]) {
      const record = this.#records.get(client)
      yield record && { client, ...record }
    }
  }

  /** Records the endpoint of a client, used now. */
  set(client: string, endpoint: BalancedEndpoint, now: number): void {
    if (this.#isClosed) return
    const isNew = !this.#records.delete(client)
    this.#records.set(client, { endpoint, lastUsed: now })
    if (!isNew) return
    this.#budget.add(this)
    if (this.#records.size > this.#capacity) this.forgetOldest()
  }

  forgetOldest(): void {
    this.#forget(this.#records.keys().next().value!)
  }

  /** Removes the clients without a use for `ttlMs` milliseconds. */
  expire(now: number, ttlMs: number): void {
    for (const [client, record] of this.#records) {
      if (now - record.lastUsed < ttlMs) return
      this.#forget(client)
    }
  }

  /** Removes the clients of all endpoints that are not in the set. */
  retain(endpoints: ReadonlySet<BalancedEndpoint>): void {
    for (const [client, { endpoint }] of this.#records) if (!endpoints.has(endpoint)) this.#forget(client)
  }

  /** Removes all clients, and takes no more. */
  close(): void {
    this.#isClosed = true
    for (const client of this.#records.keys()) this.#forget(client)
  }

  #forget(client: string): void {
    this.#records.delete(client)
    this.#budget.remove(this)
  }
}
