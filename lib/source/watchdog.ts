import { type Clock } from '../model/clock.js'

/**
 * Calls `onSilence` once when nobody has called `touch` for a while.
 *
 * `touch` is called for every chunk that arrives, so it only notes the time; the timer that is already running finds out.
 */
export class Watchdog {
  readonly #clock: Clock
  readonly #silenceMs: () => number
  readonly #onSilence: () => void
  #lastActivityAt: number
  #cancelTimer: () => void

  /** `silenceMs` is asked again at every touch that the timer finds, so the patience may change on the way. */
  constructor(clock: Clock, silenceMs: () => number, onSilence: () => void) {
    this.#clock = clock
    this.#silenceMs = silenceMs
    this.#onSilence = onSilence
    this.#lastActivityAt = clock.now()
    this.#cancelTimer = clock.after(silenceMs(), () => this.#check())
  }

  /** Something was heard. */
  recordActivity(): void {
    this.#lastActivityAt = this.#clock.now()
  }

  /** Takes up a changed patience now rather than when the running timer ends. */
  rearm(): void {
    this.#cancelTimer()
    this.#check()
  }

  /** Never reports silence again. */
  stop(): void {
    this.#cancelTimer()
  }

  #check(): void {
    const left = this.#lastActivityAt + this.#silenceMs() - this.#clock.now()
    if (left <= 0) this.#onSilence()
    else this.#cancelTimer = this.#clock.after(left, () => this.#check())
  }
}
