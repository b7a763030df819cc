import { AffinityTable } from './affinity-table.js'
import { type BalancedEndpoint } from './balanced-endpoint.js'
import { type AvoidedEndpoints, type Balancer, AVOID_NONE } from './balancer.js'

/** Clients remembered per service port: some 15 MB at worst, and far more than one node's Pods can be. */
const MAX_CLIENTS = 65_536

/**
 * `sessionAffinity: ClientIP`: the same client, the same endpoint, until it has been quiet for the timeout. Wraps any
 * balancer, which chooses for clients that are new, or whose endpoint is gone or just failed.
 */
export class ClientIpAffinity implements Balancer {
  /** Milliseconds; a change counts at once, for records that exist already too. */
  ttlMs: number
  readonly #inner: Balancer
  readonly #table = new AffinityTable(MAX_CLIENTS)

  constructor(inner: Balancer, ttlMs: number) {
    this.#inner = inner
    this.ttlMs = ttlMs
  }

  /** Clients that are remembered, those included whose time is over and who were not seen since. */
  get size(): number {
    return this.#table.size
  }

  pick(client: string, now: number, avoid: AvoidedEndpoints = AVOID_NONE): BalancedEndpoint | undefined {
    this.#table.expire(now, this.ttlMs)
    const known = this.#table.use(client, now, this.ttlMs)
    if (known !== undefined && (avoid.size === 0 || !avoid.has(known.key))) return known
    const endpoint = this.#inner.pick(client, now, avoid)
    if (endpoint !== undefined) this.#table.set(client, endpoint, now)
    return endpoint
  }

  replace(endpoints: readonly BalancedEndpoint[]): void {
    this.#table.retain(new Set(endpoints))
    this.#inner.replace(endpoints)
  }
}
