export interface TokenBucketOptions {
  /** How many may be taken at once after a long rest. */
  readonly burst: number
  /** Milliseconds until one more is there. */
  readonly refillMs: number
  /** Milliseconds that only go forward. */
  readonly now: () => number
}

/** Lets some things happen at once, and more of them only as time goes by. */
export class TokenBucket {
  readonly #options: TokenBucketOptions
  #tokens: number
  #filledAt: number

  constructor(options: TokenBucketOptions) {
    this.#options = options
    this.#tokens = options.burst
    this.#filledAt = options.now()
  }

  /** Takes one and returns 0, or takes none and returns how many milliseconds it is until there is one. */
  take(): number {
    const { burst, refillMs, now } = this.#options
    const time = now()
    this.#tokens = Math.min(burst, this.#tokens + (time - this.#filledAt) / refillMs)
    this.#filledAt = time
    if (this.#tokens < 1) return Math.ceil((1 - this.#tokens) * refillMs)
    this.#tokens--
    return 0
  }
}
