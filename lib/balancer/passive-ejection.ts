import { type BalancedEndpoint } from './balanced-endpoint.js'
import { type AvoidedEndpoints, type Balancer, AVOID_NONE } from './balancer.js'

/** How long an endpoint is left out after a failure, in milliseconds: first this long, then twice that, and so on up to the most. */
export interface BackOff {
  readonly initial: number
  readonly max: number
}

/**
 * Leaves out, for a while, endpoints that just failed, so that one client pays for finding out and not each. One that fails
 * again afterwards is left out twice as long, until a client gets through. Wraps any balancer. When all are left out none
 * is: a last endpoint is never taken away.
 *
 * Affinity goes around it, not into it: a client that has an endpoint keeps it until that one fails for itself.
 */
export class PassiveEjection implements Balancer {
  #inner: Balancer
  readonly #backOff: BackOff
  #endpoints: readonly BalancedEndpoint[] = []
  /** Those of the list whose time is not over, as far as was looked; by `ip:port`, so that others can be told to avoid them. */
  readonly #ejected = new Map<string, BalancedEndpoint>()
  #ejections = 0

  constructor(inner: Balancer, backOff: BackOff) {
    this.#inner = inner
    this.#backOff = backOff
  }

  /** How often an endpoint was left out; an only one that failed is not. */
  get ejections(): number {
    return this.#ejections
  }

  pick(client: string, now: number, avoid: AvoidedEndpoints = AVOID_NONE): BalancedEndpoint | undefined {
    if (this.#ejected.size > 0) this.#readmit(now)
    if (this.#ejected.size === 0) return this.#inner.pick(client, now, avoid)
    // A client's first attempt makes no list of its own; when all are out, it gets one of them.
    if (avoid.size === 0) return this.#inner.pick(client, now, this.#ejected)
    const all = new Set([...avoid.keys(), ...this.#ejected.keys()])
    return this.#inner.pick(client, now, this.#endpoints.every(({ key }) => all.has(key)) ? avoid : all)
  }

  replace(endpoints: readonly BalancedEndpoint[]): void {
    this.#endpoints = endpoints
    const present = new Set(endpoints)
    for (const [key, endpoint] of this.#ejected) if (!present.has(endpoint)) this.#ejected.delete(key)
    this.#inner.replace(endpoints)
  }

  /** From now on another balancer chooses among those that are not left out. */
  setBalancer(inner: Balancer): void {
    this.#inner = inner
    inner.replace(this.#endpoints)
  }

  /**
   * An endpoint could not be reached. Many clients find out at the same time; only the first of them counts, or a crowd
   * would have it left out for the longest time at once.
   */
  recordFailure(endpoint: BalancedEndpoint, now: number): void {
    if (endpoint.ejectedUntil > now || !this.#endpoints.includes(endpoint)) return
    const { initial, max } = this.#backOff
    endpoint.ejectedUntil = now + Math.min(max, initial * 2 ** endpoint.failures)
    endpoint.failures++
    this.#ejected.set(endpoint.key, endpoint)
    if (this.#endpoints.length > 1) this.#ejections++
  }

  /** An endpoint was reached, so it gets new clients again. While it is left out, clients with affinity may still come to it. */
  recordSuccess(endpoint: BalancedEndpoint): void {
    if (endpoint.failures === 0) return
    endpoint.failures = 0
    endpoint.ejectedUntil = 0
    if (this.#ejected.get(endpoint.key) === endpoint) this.#ejected.delete(endpoint.key)
  }

  /** How many endpoints get no new clients now. */
  countEjected(now: number): number {
    this.#readmit(now)
    return this.#ejected.size === this.#endpoints.length ? 0 : this.#ejected.size
  }

  #readmit(now: number): void {
    for (const [key, { ejectedUntil }] of this.#ejected) if (ejectedUntil <= now) this.#ejected.delete(key)
  }
}
