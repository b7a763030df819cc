/**
 * Notices that something has stopped giving signs of life. It counts its own ticks, not time: while the process that counts does
 * not run itself, because the machine sleeps or a debugger has stopped it, the other side is not blamed.
 */
export class SilenceCounter {
  readonly #limit: number
  #ticks = 0

  /** @param limit how many ticks in a row without a sign of life are too many */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** There was a sign of life. */
  recordSign(): void {
    this.#ticks = 0
  }

  /** Counts a tick. Returns whether the silence is too long; the first time, and then each time after as many ticks. */
  tick(): boolean {
    if (++this.#ticks < this.#limit) return false
    this.#ticks = 0
    return true
  }
}
