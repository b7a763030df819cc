import { type BalancedEndpoint } from './balanced-endpoint.js'

interface AffinityRecord {
  readonly endpoint: BalancedEndpoint
  lastUsed: number
}

/**
 * Which endpoint each client was given and when it last used it.
 *
 * A Map keeps its entries in the order they were set, and every use sets the entry again, so the oldest is always first:
 *
 *     first                                   last
 *     [client, used 09:00] [client, 09:20] ... [client, just now]      expired ones and overflow leave at the left
 */
export class AffinityTable {
  readonly #records = new Map<string, AffinityRecord>()
  readonly #capacity: number

  /** @param capacity how many clients are remembered; beyond, the one that has been quiet longest is forgotten. */
  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get size(): number {
    return this.#records.size
  }

  /** The client's endpoint, if it was used less than `ttlMs` before `now`; this counts as use. */
  use(client: string, now: number, ttlMs: number): BalancedEndpoint | undefined {
    const record = this.#records.get(client)
    if (record === undefined || now - record.lastUsed >= ttlMs) return undefined
    record.lastUsed = now
    this.#records.delete(client)
    this.#records.set(client, record)
    return record.endpoint
  }

  set(client: string, endpoint: BalancedEndpoint, now: number): void {
    this.#records.delete(client)
    this.#records.set(client, { endpoint, lastUsed: now })
    if (this.#records.size > this.#capacity) this.#records.delete(this.#records.keys().next().value!)
  }

  /** Forgets the records that have not been used for `ttlMs`. */
  expire(now: number, ttlMs: number): void {
    for (const [client, record] of this.#records) {
      if (now - record.lastUsed < ttlMs) return
      this.#records.delete(client)
    }
  }

  /** Forgets the clients of every endpoint that is not in the set. */
  retain(endpoints: ReadonlySet<BalancedEndpoint>): void {
    for (const [client, { endpoint }] of this.#records) if (!endpoints.has(endpoint)) this.#records.delete(client)
  }
}
