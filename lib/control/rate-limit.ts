/**
 * How soon something may be done again: once per period on average, `burst` times in a row after a quiet while (the token
 * bucket of kube-proxy's BoundedFrequencyRunner, where burst is 2). Time comes in as an argument, in milliseconds.
 */
export class RateLimit {
  readonly #period: number
  readonly #burst: number
  #tokens: number
  #filledAt = 0

  constructor(periodMs: number, burst: number) {
    this.#period = periodMs
    this.#burst = burst
    this.#tokens = burst
  }

  /** Milliseconds until it may be done; 0: now. */
  wait(now: number): number {
    this.#fill(now)
    return this.#tokens >= 1 ? 0 : (1 - this.#tokens) * this.#period
  }

  /** Counts that it is done now. */
  take(now: number): void {
    this.#fill(now)
    this.#tokens--
  }

  #fill(now: number): void {
    const gained = this.#period === 0 ? this.#burst : (now - this.#filledAt) / this.#period
    this.#tokens = Math.min(this.#burst, this.#tokens + gained)
    this.#filledAt = now
  }
}
