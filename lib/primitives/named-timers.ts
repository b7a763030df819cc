import { type Clock } from '../model/clock.js'

/** Timers by name, one of a name at a time: to set one that runs already changes nothing. */
export class NamedTimers<Name extends string> {
  readonly #clock: Clock
  readonly #running = new Map<Name, () => void>()
  #stopped = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  has(name: Name): boolean {
    return this.#running.has(name)
  }

  /** Runs `action` after `ms` milliseconds, unless a timer of that name runs, or all are stopped. */
  set(name: Name, ms: number, action: () => void): void {
    if (this.#stopped || this.#running.has(name)) return
    const cancel = this.#clock.after(ms, () => {
      this.#running.delete(name)
      action()
    })
    this.#running.set(name, cancel)
  }

  cancel(name: Name): void {
    this.#running.get(name)?.()
    this.#running.delete(name)
  }

  /** Cancels all, and takes no new ones. */
  stop(): void {
    this.#stopped = true
    for (const cancel of this.#running.values()) cancel()
    this.#running.clear()
  }
}
