/** Settings of a `Backoff`. */
export interface BackoffOptions {
  /** Shortest wait, in milliseconds. */
  readonly firstMs: number
  /** No wait is longer, in milliseconds. */
  readonly maxMs: number
  /** The first wait after a reset is none at all: one failure is no pattern. */
  readonly firstIsImmediate?: boolean
  /** A number from 0 up to but not including 1. */
  readonly random: () => number
}

/**
 * How long to wait before the next attempt: doubling, bounded, and jittered.
 *
 * The jitter (one to two times the base) matters most at the upper end: when an API server comes back, every node of
 * the cluster has reached it, and they must not all call in the same instant.
 */
export class Backoff {
  readonly #options: BackoffOptions
  #attempts = 0

  constructor(options: BackoffOptions) {
    this.#options = options
  }

  /** Milliseconds to wait now; each call waits longer than the one before. */
  nextDelayMs(): number {
    const { firstMs, maxMs, firstIsImmediate, random } = this.#options
    const step = this.#attempts++ - (firstIsImmediate === true ? 1 : 0)
    if (step < 0) return 0
    const base = Math.min(firstMs * 2 ** step, maxMs / 2)
    return base * (1 + random())
  }

  /** Starts again with the shortest wait. */
  reset(): void {
    this.#attempts = 0
  }
}
