import { AffinityBudget } from './affinity-budget.js'
import { AffinityTable } from './affinity-table.js'
import { type BalancedEndpoint } from './balanced-endpoint.js'
import { type AvoidedEndpoints, type Balancer, AVOID_NONE } from './balancer.js'

/** The most clients of one service port: at most some 15 MB, and far more than the Pods of a node. */
const MAX_CLIENTS = 65_536

/** A client that keeps an endpoint. */
export interface AffinityClient {
  readonly client: string
  readonly endpoint: BalancedEndpoint
  /** For how many milliseconds it keeps it if it stays silent. */
  readonly leftMs: number
}

/**
 * `sessionAffinity: ClientIP`: a client gets the same endpoint until it has been silent for the timeout. Wraps another balancer,
 * which picks for new clients, and for clients whose endpoint is gone or has just failed.
 */
export class ClientIpAffinity implements Balancer {
  /** The timeout in milliseconds. A change applies at once, also to known clients. */
  ttlMs: number
  readonly #inner: Balancer
  readonly #table: AffinityTable

  /** @param budget of the clients that several of these know together */
  constructor(inner: Balancer, ttlMs: number, budget = new AffinityBudget(MAX_CLIENTS)) {
    this.#inner = inner
    this.#table = new AffinityTable(MAX_CLIENTS, budget)
    this.ttlMs = ttlMs
  }

  /** How many clients are known. Some of them may have expired since the last pick. */
  get size(): number {
    return this.#table.size
  }

  /**
   * The clients that keep an endpoint; undefined for a record that is none. The caller may pick between two steps.
   * @param only the client to look for; undefined: all
   */
  *clients(now: number, only?: string): Generator<AffinityClient | undefined> {
    for (const record of this.#table.records(only)) {
      const leftMs = record === undefined ? 0 : record.lastUsed + this.ttlMs - now
      yield record === undefined || leftMs <= 0
        ? undefined
        : { client: record.client, endpoint: record.endpoint, leftMs }
    }
  }

  pick(client: string, now: number, avoid: AvoidedEndpoints = AVOID_NONE): BalancedEndpoint | undefined {
    this.#table.expire(now, this.ttlMs)
    const known = this.#table.use(client, now, this.ttlMs)
    if (known !== undefined && (avoid.size === 0 || !avoid.has(known))) return known
    const endpoint = this.#inner.pick(client, now, avoid)
    if (endpoint !== undefined) this.#table.set(client, endpoint, now)
    return endpoint
  }

  /** Forgets all clients, and from now on every new one. */
  close(): void {
    this.#table.close()
  }

  replace(endpoints: readonly BalancedEndpoint[]): void {
    this.#table.retain(new Set(endpoints))
    this.#inner.replace(endpoints)
  }
}
