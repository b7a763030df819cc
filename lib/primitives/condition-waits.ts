import { type Clock } from '../model/clock.js'

/** Waits for conditions that only certain events can make true. The owner calls `recheck` after each of these events. */
export class ConditionWaits {
  readonly #clock: Clock
  readonly #checks = new Set<() => void>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Ends the waits whose condition holds now. */
  recheck(): void {
    for (const check of this.#checks) check()
  }

  /** Resolves when the condition holds, or after `ms` milliseconds. */
  until(condition: () => boolean, ms: number): Promise<void> {
    if (condition()) return Promise.resolve()
    return new Promise(resolve => {
      const finish = (): void => {
        cancel()
        this.#checks.delete(check)
        resolve()
      }
      const check = (): void => {
        if (condition()) finish()
      }
      const cancel = this.#clock.after(ms, finish)
      this.#checks.add(check)
    })
  }
}
