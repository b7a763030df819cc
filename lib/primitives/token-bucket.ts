/** Settings of a `TokenBucket`. */
export interface TokenBucketOptions {
  /** The most tokens that the bucket holds: how many actions may run at once after a long pause. */
  readonly burst: number
  /** Milliseconds until one more token; 0: no limit. */
  readonly refillMs: number
}

/**
 * Limits how often something happens: a burst at once, then one per refill time on average. kube-proxy's BoundedFrequencyRunner
 * does the same with a burst of 2. Callers pass the time, in milliseconds that only go forward.
 */
export class TokenBucket {
  readonly #burst: number
  readonly #refillMs: number
  #tokens: number
  #filledAt = 0

  constructor({ burst, refillMs }: TokenBucketOptions) {
    this.#burst = burst
    this.#refillMs = refillMs
    this.#tokens = burst
  }

  /** Milliseconds until a token is available; 0: now. */
  wait(now: number): number {
    this.#fill(now)
    return this.#tokens >= 1 ? 0 : (1 - this.#tokens) * this.#refillMs
  }

  /** Takes a token even if none is available; the next wait is then longer. */
  take(now: number): void {
    this.#fill(now)
    this.#tokens--
  }

  /** Takes a token and returns 0; or takes none and returns the milliseconds until one is available. */
  tryTake(now: number): number {
    const wait = this.wait(now)
    if (wait === 0) this.#tokens--
    return Math.ceil(wait)
  }

  #fill(now: number): void {
    const gained = this.#refillMs === 0 ? this.#burst : (now - this.#filledAt) / this.#refillMs
    this.#tokens = Math.min(this.#burst, this.#tokens + gained)
    this.#filledAt = now
  }
}
