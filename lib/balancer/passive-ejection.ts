import { hostPort } from '../model/address.js'
import { type Balancer, NONE_TO_AVOID, type Target } from './balancer.js'

/**
 * Leaves out, for a while, endpoints that just failed, so that one client pays for finding out and not each. Wraps any
 * balancer. When all are left out none is: a last endpoint is never taken away (userspace.md: passive ejection).
 *
 * Affinity goes around it, not into it: a client that has an endpoint keeps it until that one fails for itself.
 */
export class PassiveEjection implements Balancer {
  readonly #inner: Balancer
  readonly #ms: number
  /** `ip:port` to the time until which it is left out. */
  readonly #until = new Map<string, number>()
  #keys: readonly string[] = []

  /** @param ms how long an endpoint is left out after a failure, in milliseconds */
  constructor(inner: Balancer, ms: number) {
    this.#inner = inner
    this.#ms = ms
  }

  pick(client: string, now: number, avoid: ReadonlySet<string> = NONE_TO_AVOID): Target | undefined {
    for (const [key, until] of this.#until) if (until <= now) this.#until.delete(key)
    if (this.#until.size === 0) return this.#inner.pick(client, now, avoid)
    const all = new Set([...avoid, ...this.#until.keys()])
    return this.#inner.pick(client, now, this.#keys.every(key => all.has(key)) ? avoid : all)
  }

  replace(targets: readonly Target[]): void {
    this.#keys = targets.map(({ ip, port }) => hostPort(ip, port))
    const present = new Set(this.#keys)
    for (const key of this.#until.keys()) if (!present.has(key)) this.#until.delete(key)
    this.#inner.replace(targets)
  }

  /** An endpoint (`ip:port`) could not be reached. */
  failed(key: string, now: number): void {
    this.#until.set(key, now + this.#ms)
  }
}
