export interface TokenBucketOptions {
  /** How many may be taken at once after a long rest. */
  readonly burst: number
  /** Milliseconds until one more is there; 0: there always is one. */
  readonly refillMs: number
}

/**
 * Lets some things happen at once, and more of them only as time goes by: one per refill time on average, as in kube-proxy's
 * BoundedFrequencyRunner, where burst is 2. Time comes in as an argument, in milliseconds that only go forward.
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

  /** Milliseconds until there is one to take; 0: now. */
  wait(now: number): number {
    this.#fill(now)
    return this.#tokens >= 1 ? 0 : (1 - this.#tokens) * this.#refillMs
  }

  /** Takes one, also when there is none yet: the next wait is then longer. */
  take(now: number): void {
    this.#fill(now)
    this.#tokens--
  }

  /** Takes one and returns 0, or takes none and returns how many milliseconds it is until there is one. */
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
