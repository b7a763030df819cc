/** Time and timers, as an interface so that tests can advance time themselves. */
export interface Clock {
  /** Monotonic milliseconds from an arbitrary zero. */
  now(): number
  /** Runs `action` once after `ms` milliseconds; the returned function cancels it. */
  after(ms: number, action: () => void): () => void
}
