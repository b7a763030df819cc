import { type BalancedEndpoint } from './balanced-endpoint.js'
import { type AvoidedEndpoints, type Balancer, AVOID_NONE } from './balancer.js'

/** How long an endpoint is ejected after a failure, in milliseconds: doubles with each failure in a row, up to a maximum. */
export interface BackOff {
  /** After the first failure. */
  readonly initial: number
  readonly max: number
}

/**
 * Ejects endpoints that just failed for a while, so that only one client, not every client, pays for the failed attempt. An
 * endpoint that then fails again is ejected for twice the time, until a client reaches it. Wraps another balancer. When all
 * endpoints are ejected, all of them are used: the last endpoint is never taken away.
 *
 * Affinity comes before ejection: a client with an endpoint keeps it until the endpoint fails for this client.
 */
export class PassiveEjection implements Balancer {
  #inner: Balancer
  readonly #backOff: BackOff
  #endpoints: ReadonlySet<BalancedEndpoint> = new Set()
  /** Endpoints of the list that were ejected and not reached since. The time of some of them may have ended. */
  readonly #ejected = new Set<BalancedEndpoint>()
  /** Until then all endpoints are known to be ejected, and no pick looks for one that is not. */
  #allEjectedUntil = 0
  #ejections = 0

  constructor(inner: Balancer, backOff: BackOff) {
    this.#inner = inner
    this.#backOff = backOff
  }

  /** How often an endpoint was ejected. The only endpoint of a list never is. */
  get ejections(): number {
    return this.#ejections
  }

  /** Its cost does not depend on how many endpoints are ejected, as long as the inner balancer's does not. */
  pick(client: string, now: number, avoid: AvoidedEndpoints = AVOID_NONE): BalancedEndpoint | undefined {
    if (this.#ejected.size === 0 || this.#areAllEjected(now)) return this.#inner.pick(client, now, avoid)
    const unusable = { size: Infinity, has: (one: BalancedEndpoint) => one.ejectedUntil > now || avoid.has(one) }
    const endpoint = this.#inner.pick(client, now, unusable)
    // With nothing else left, an ejected endpoint comes before one that just failed for this client.
    return endpoint === undefined || !unusable.has(endpoint) ? endpoint : this.#inner.pick(client, now, avoid)
  }

  replace(endpoints: readonly BalancedEndpoint[]): void {
    this.#endpoints = new Set(endpoints)
    for (const endpoint of this.#ejected) if (!this.#endpoints.has(endpoint)) this.#ejected.delete(endpoint)
    this.#allEjectedUntil = 0
    this.#inner.replace(endpoints)
  }

  /** Replaces the balancer that picks among the other endpoints. */
  setBalancer(inner: Balancer): void {
    this.#inner = inner
    inner.replace([...this.#endpoints])
  }

  /**
   * An endpoint could not be reached. When many clients fail at the same time, only the first one counts; otherwise the endpoint
   * would be ejected for the maximum time at once.
   */
  recordFailure(endpoint: BalancedEndpoint, now: number): void {
    if (endpoint.ejectedUntil > now || !this.#endpoints.has(endpoint)) return
    const { initial, max } = this.#backOff
    endpoint.ejectedUntil = now + Math.min(max, initial * 2 ** endpoint.failures)
    endpoint.failures++
    this.#ejected.add(endpoint)
    if (this.#endpoints.size > 1) this.#ejections++
  }

  /** An endpoint was reached, so it gets new clients again. Clients with affinity can reach an endpoint that is ejected. */
  recordSuccess(endpoint: BalancedEndpoint): void {
    if (endpoint.failures === 0) return
    endpoint.failures = 0
    endpoint.ejectedUntil = 0
    if (this.#ejected.delete(endpoint)) this.#allEjectedUntil = 0
  }

  /** How many endpoints are ejected now. @param now milliseconds of a clock that only goes forward */
  countEjected(now: number): number {
    this.#readmit(now)
    return this.#ejected.size === this.#endpoints.size ? 0 : this.#ejected.size
  }

  /** Looks at all endpoints only when the first of them may be back. */
  #areAllEjected(now: number): boolean {
    if (now < this.#allEjectedUntil) return true
    if (this.#ejected.size < this.#endpoints.size) return false
    const first = this.#readmit(now)
    if (this.#ejected.size < this.#endpoints.size) return false
    this.#allEjectedUntil = first
    return true
  }

  /** @returns when the first of those that stay ejected is back */
  #readmit(now: number): number {
    let first = Infinity
    for (const endpoint of this.#ejected) {
      if (endpoint.ejectedUntil <= now) this.#ejected.delete(endpoint)
      else first = Math.min(first, endpoint.ejectedUntil)
    }
    return first
  }
}
