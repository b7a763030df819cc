import { type Clock } from '../model/clock.js'

/**
 * Calls `onSilence` once after a time without calls of `recordActivity`.
 *
 * Every chunk calls `recordActivity`, so that only stores the time. The running timer checks it when it ends.
 */
export class Watchdog {
  readonly #clock: Clock
  readonly #silenceMs: number
  readonly #onSilence: () => void
  #lastActivityAt: number
  #cancelTimer: () => void

  /** @param silenceMs the allowed silence */
  constructor(clock: Clock, silenceMs: number, onSilence: () => void) {
    this.#clock = clock
    this.#silenceMs = silenceMs
    this.#onSilence = onSilence
    this.#lastActivityAt = clock.now()
    this.#cancelTimer = clock.after(silenceMs, () => this.#check())
  }

  /** Data has arrived. */
  recordActivity(): void {
    this.#lastActivityAt = this.#clock.now()
  }

  /** Never reports silence again. */
  stop(): void {
    this.#cancelTimer()
  }

  #check(): void {
    const left = this.#lastActivityAt + this.#silenceMs - this.#clock.now()
    if (left <= 0) this.#onSilence()
    else this.#cancelTimer = this.#clock.after(left, () => this.#check())
  }
}
