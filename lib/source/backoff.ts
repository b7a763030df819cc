/** Settings of a `Backoff`. */
export interface BackoffOptions {
  /** The shortest wait, in milliseconds. */
  readonly firstMs: number
  /** The longest wait, in milliseconds. */
  readonly maxMs: number
  /** Whether the first wait after a reset is 0, because a single failure says little. */
  readonly firstIsImmediate?: boolean
  /** Returns a number from 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number
}

/**
 * Computes the wait before the next attempt: it doubles up to a maximum, and has a random part.
 *
 * The random part (one to two times the base) matters most for long waits. When an API server comes back, all nodes of the
 * cluster wait for the maximum time, and must not send their requests at the same moment.
 */
export class Backoff {
  readonly #options: BackoffOptions
  #attempts = 0

  constructor(options: BackoffOptions) {
    this.#options = options
  }

  /** Milliseconds to wait now. The next call returns a longer wait. */
  nextDelayMs(): number {
    const { firstMs, maxMs, firstIsImmediate, random } = this.#options
    const step = this.#attempts++ - (firstIsImmediate === true ? 1 : 0)
    if (step < 0) return 0
    const base = Math.min(firstMs * 2 ** step, maxMs / 2)
    return base * (1 + random())
  }

  /** The next wait is the shortest one again. */
  reset(): void {
    this.#attempts = 0
  }
}
