import { AffinityBudget } from './affinity-budget.js'
import { AffinityTable } from './affinity-table.js'
import { type BalancedEndpoint } from './balanced-endpoint.js'
import { type AvoidedEndpoints, type Balancer, AVOID_NONE } from './balancer.js'

/** The most clients of one service port: at most some 15 MB, and far more than the Pods of a node. */
const MAX_CLIENTS = 65_536

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

  /** The clients that keep an endpoint, and for how many milliseconds they do if they stay silent. */
  *clients(
    now: number,
  ): Generator<{ readonly client: string; readonly endpoint: BalancedEndpoint; readonly leftMs: number }> {
    for (const { client, endpoint, lastUsed } of this.#table.records()) {
      const leftMs = lastUsed + this.ttlMs - now
      if (leftMs > 0) yield { client, endpoint, leftMs }
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
