/** Settings of a `TimeBudget`. Times are milliseconds. */
export interface TimeBudgetOptions {
  /** The part of all time that the work may take in the long run, such as 0.02. */
  readonly share: number
  /** How much time the work may take at once after a long pause. */
  readonly reserveMs: number
  /** The longest wait, however much time the work has taken. */
  readonly maxWaitMs: number
}

/**
 * Limits how much time a kind of work takes: a share of all time in the long run, and a reserve at once. A `TokenBucket` would count
 * how often it runs instead. Callers pass the time, in milliseconds that only go forward.
 */
export class TimeBudget {
  readonly #share: number
  readonly #reserveMs: number
  readonly #leastMs: number
  /** What is left of the reserve; negative: overdrawn. */
  #leftMs: number
  #filledAt = 0

  constructor({ share, reserveMs, maxWaitMs }: TimeBudgetOptions) {
    this.#share = share
    this.#reserveMs = reserveMs
    this.#leastMs = -maxWaitMs * share
    this.#leftMs = reserveMs
  }

  /** Milliseconds until the work may run; 0: now. One run may overdraw the reserve. */
  wait(now: number): number {
    this.#fill(now)
    return Math.max(0, -this.#leftMs / this.#share)
  }

  /** Whether the reserve has more than that left. */
  covers(now: number, ms: number): boolean {
    this.#fill(now)
    return this.#leftMs > ms
  }

  /** The work has taken, or is about to take, that long. */
  spend(now: number, ms: number): void {
    this.#fill(now)
    this.#leftMs = Math.max(this.#leastMs, this.#leftMs - ms)
  }

  #fill(now: number): void {
    this.#leftMs = Math.min(this.#reserveMs, this.#leftMs + (now - this.#filledAt) * this.#share)
    this.#filledAt = now
  }
}
