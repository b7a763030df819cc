import { type Clock } from '../model/clock.js'

/** Timers by name. Each name has at most one timer: setting a timer that already runs changes nothing. */
export class NamedTimers<Name extends string> {
  readonly #clock: Clock
  readonly #running = new Map<Name, () => void>()
  #stopped = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Whether a timer of this name runs. */
  has(name: Name): boolean {
    return this.#running.has(name)
  }

  /** Runs `action` after `ms` milliseconds, unless a timer of this name already runs or `stop` was called. */
  set(name: Name, ms: number, action: () => void): void {
    if (this.#stopped || this.#running.has(name)) return
    const cancel = this.#clock.after(ms, () => {
      this.#running.delete(name)
      action()
    })
    this.#running.set(name, cancel)
  }

  /** Cancels the timer of this name, if it runs. */
  cancel(name: Name): void {
    this.#running.get(name)?.()
    this.#running.delete(name)
  }

  /** Cancels all timers; later calls of `set` do nothing. */
  stop(): void {
    this.#stopped = true
    for (const cancel of this.#running.values()) cancel()
    this.#running.clear()
  }
}
