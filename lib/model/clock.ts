/** Time and timers, as an interface so that tests can advance time themselves. */
export interface Clock {
  /** Monotonic milliseconds from an arbitrary zero. */
  now(): number
  /** Runs `action` once after `ms` milliseconds; the returned function cancels it. */
  after(ms: number, action: () => void, options?: TimerOptions): () => void
}

/** What a timer does besides its action. */
export interface TimerOptions {
  /** Whether the process waits for the action before it exits by itself; left out: true. */
  readonly keepsAlive?: boolean
}
