/** Time as the parts that wait for it see it; tests hand in one that they move themselves. */
export interface Clock {
  /** Milliseconds that only go forward; the zero point means nothing. */
  now(): number
  /** Runs `action` once after `ms` milliseconds; the returned function calls it off. */
  after(ms: number, action: () => void): () => void
}
