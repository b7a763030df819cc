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
  #endpoints: readonly BalancedEndpoint[] = []
  /** Ejected endpoints of the list by `ip:port`, which the inner balancer avoids. May contain some whose time has just ended. */
  readonly #ejected = new Map<string, BalancedEndpoint>()
  #ejections = 0

  constructor(inner: Balancer, backOff: BackOff) {
    this.#inner = inner
    this.#backOff = backOff
  }

  /** How often an endpoint was ejected. The only endpoint of a list never is. */
  get ejections(): number {
    return this.#ejections
  }

  pick(client: string, now: number, avoid: AvoidedEndpoints = AVOID_NONE): BalancedEndpoint | undefined {
    if (this.#ejected.size > 0) this.#readmit(now)
    if (this.#ejected.size === 0) return this.#inner.pick(client, now, avoid)
    // The first attempt of a client needs no list of its own. When all are ejected, it gets one of them.
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

  /** Replaces the balancer that picks among the other endpoints. */
  setBalancer(inner: Balancer): void {
    this.#inner = inner
    inner.replace(this.#endpoints)
  }

  /**
   * An endpoint could not be reached. When many clients fail at the same time, only the first one counts; otherwise the endpoint
   * would be ejected for the maximum time at once.
   */
  recordFailure(endpoint: BalancedEndpoint, now: number): void {
    if (endpoint.ejectedUntil > now || !this.#endpoints.includes(endpoint)) return
    const { initial, max } = this.#backOff
    endpoint.ejectedUntil = now + Math.min(max, initial * 2 ** endpoint.failures)
    endpoint.failures++
    this.#ejected.set(endpoint.key, endpoint)
    if (this.#endpoints.length > 1) this.#ejections++
  }

  /** An endpoint was reached, so it gets new clients again. Clients with affinity can reach an endpoint that is ejected. */
  recordSuccess(endpoint: BalancedEndpoint): void {
    if (endpoint.failures === 0) return
    endpoint.failures = 0
    endpoint.ejectedUntil = 0
    if (this.#ejected.get(endpoint.key) === endpoint) this.#ejected.delete(endpoint.key)
  }

  /** How many endpoints are ejected now. @param now milliseconds of a clock that only goes forward */
  countEjected(now: number): number {
    this.#readmit(now)
    return this.#ejected.size === this.#endpoints.length ? 0 : this.#ejected.size
  }

  #readmit(now: number): void {
    for (const [key, { ejectedUntil }] of this.#ejected) if (ejectedUntil <= now) this.#ejected.delete(key)
  }
}
