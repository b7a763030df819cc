import { type BalancedEndpoint } from './balanced-endpoint.js'
import { type AvoidedEndpoints, type Balancer, type NarrowableBalancer, AVOID_NONE } from './balancer.js'

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
  #inner: NarrowableBalancer
  readonly #backOff: BackOff
  #endpoints: readonly BalancedEndpoint[] = []
  #members: ReadonlySet<BalancedEndpoint> = new Set()
  /** The ejected endpoints by the length of their ejection, each set in the order in which the ejections end. */
  readonly #ejected = new Map<number, Set<BalancedEndpoint>>()
  #ejectedCount = 0
  /** The endpoints that are not ejected, in the order of the list; undefined after a change. */
  #available: readonly BalancedEndpoint[] | undefined
  #ejections = 0

  constructor(inner: NarrowableBalancer, backOff: BackOff) {
    this.#inner = inner
    this.#backOff = backOff
  }

  /** How often an endpoint was ejected. The only endpoint of a list never is. */
  get ejections(): number {
    return this.#ejections
  }

  /** The endpoints that get no new clients now, for how many milliseconds, and since how many. */
  *ejected(
    now: number,
  ): Generator<{ readonly endpoint: BalancedEndpoint; readonly forMs: number; readonly msAgo: number }> {
    if (this.countEjected(now) === 0) return
    for (const [ms, ejected] of this.#ejected)
      for (const endpoint of ejected) {
        const forMs = endpoint.ejectedUntil - now
        yield { endpoint, forMs, msAgo: ms - forMs }
      }
  }

  /** Looks at all endpoints once after an ejection has begun or ended; otherwise its cost does not depend on how many are ejected. */
  pick(client: string, now: number, avoid: AvoidedEndpoints = AVOID_NONE): BalancedEndpoint | undefined {
    this.#readmit(now)
    const candidates = this.#candidates
    this.#inner.narrow(candidates)
    const endpoint = this.#inner.pick(client, now, avoid)
    if (endpoint === undefined || candidates === this.#endpoints || !avoid.has(endpoint)) return endpoint
    // With nothing else left, an ejected endpoint comes before one that just failed for this client.
    this.#inner.narrow(this.#endpoints)
    return this.#inner.pick(client, now, avoid)
  }

  /** The endpoint that the next client without affinity would get, without a pick. Undefined: there is none, or chance decides. */
  peek(now: number): BalancedEndpoint | undefined {
    this.#readmit(now)
    this.#inner.narrow(this.#candidates)
    return this.#inner.peek()
  }

  replace(endpoints: readonly BalancedEndpoint[]): void {
    this.#endpoints = endpoints
    this.#members = new Set(endpoints)
    for (const ejected of this.#ejected.values())
      for (const endpoint of ejected) if (!this.#members.has(endpoint)) this.#admit(endpoint, ejected)
    this.#available = undefined
    this.#inner.replace(endpoints)
  }

  /** Replaces the balancer that picks among the other endpoints. */
  setBalancer(inner: NarrowableBalancer): void {
    this.#inner = inner
    inner.replace(this.#endpoints)
  }

  /**
   * An endpoint could not be reached. When many clients fail at the same time, only the first one counts; otherwise the endpoint
   * would be ejected for the maximum time at once.
   * @returns for how many milliseconds it is ejected now; undefined: it was before, or it is the only one
   */
  recordFailure(endpoint: BalancedEndpoint, now: number): number | undefined {
    if (endpoint.ejectedUntil > now || !this.#members.has(endpoint)) return undefined
    // Its last ejection may have ended without a pick since.
    this.#readmit(now)
    const ms = this.#ejectionTime(endpoint.failures)
    endpoint.failures++
    endpoint.ejectedUntil = now + ms
    this.#setFor(ms).add(endpoint)
    this.#ejectedCount++
    this.#available = undefined
    if (this.#endpoints.length <= 1) return undefined
    this.#ejections++
    return ms
  }

  /** An endpoint was reached, so it gets new clients again. Clients with affinity can reach an endpoint that is ejected. */
  recordSuccess(endpoint: BalancedEndpoint): void {
    if (endpoint.failures === 0) return
    if (endpoint.ejectedUntil > 0) this.#admit(endpoint, this.#setFor(this.#ejectionTime(endpoint.failures - 1)))
    endpoint.failures = 0
  }

  /** How many endpoints are ejected now. @param now milliseconds of a clock that only goes forward */
  countEjected(now: number): number {
    this.#readmit(now)
    return this.#ejectedCount === this.#endpoints.length ? 0 : this.#ejectedCount
  }

  /** All endpoints, if none or each of them is ejected. */
  get #candidates(): readonly BalancedEndpoint[] {
    if (this.#ejectedCount === 0 || this.#ejectedCount === this.#endpoints.length) return this.#endpoints
    return (this.#available ??= this.#endpoints.filter(({ ejectedUntil }) => ejectedUntil === 0))
  }

  /** Ends the ejections whose time is over. */
  #readmit(now: number): void {
    if (this.#ejectedCount === 0) return
    for (const ejected of this.#ejected.values())
      for (const endpoint of ejected) {
        if (endpoint.ejectedUntil > now) break
        this.#admit(endpoint, ejected)
      }
  }

  #admit(endpoint: BalancedEndpoint, ejected: Set<BalancedEndpoint>): void {
    ejected.delete(endpoint)
    endpoint.ejectedUntil = 0
    this.#ejectedCount--
    this.#available = undefined
  }

  /** @param failures how often the endpoint was ejected before */
  #ejectionTime(failures: number): number {
    const { initial, max } = this.#backOff
    return Math.min(max, initial * 2 ** failures)
  }

  #setFor(ms: number): Set<BalancedEndpoint> {
    const known = this.#ejected.get(ms)
    if (known !== undefined) return known
    const created = new Set<BalancedEndpoint>()
    this.#ejected.set(ms, created)
    return created
  }
}
