import { hostPort } from '../model/address.js'
import { AffinityTable } from './affinity-table.js'
import { type Balancer, NONE_TO_AVOID, type Target } from './balancer.js'

/** Clients remembered per service port: some 15 MB at worst, and far more than one node's Pods can be. */
const CAPACITY = 65_536

/**
 * `sessionAffinity: ClientIP`: the same client, the same endpoint, until it has been quiet for the timeout. Wraps any
 * balancer, which chooses for clients that are new, or whose endpoint is gone or just failed.
 */
export class ClientIpAffinity implements Balancer {
  /** Milliseconds; a change counts at once, for records that exist already too. */
  ttlMs: number
  readonly #inner: Balancer
  readonly #table = new AffinityTable(CAPACITY)

  constructor(inner: Balancer, ttlMs: number) {
    this.#inner = inner
    this.ttlMs = ttlMs
  }

  /** Clients that are remembered, those included whose time is over and who were not seen since. */
  get remembered(): number {
    return this.#table.size
  }

  pick(client: string, now: number, avoid: ReadonlySet<string> = NONE_TO_AVOID): Target | undefined {
    this.#table.expire(now, this.ttlMs)
    const record = this.#table.use(client, now, this.ttlMs)
    if (record !== undefined && !avoid.has(record.key)) return record.target
    const target = this.#inner.pick(client, now, avoid)
    if (target !== undefined) this.#table.set(client, target, hostPort(target.ip, target.port), now)
    return target
  }

  replace(targets: readonly Target[]): void {
    this.#table.retain(new Set(targets.map(target => hostPort(target.ip, target.port))))
    this.#inner.replace(targets)
  }
}
