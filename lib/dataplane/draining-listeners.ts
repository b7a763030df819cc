import { type Clock } from '../model/clock.js'
import { ConditionWaits } from '../primitives/condition-waits.js'
import { type Listener } from './listener.js'

/** How often a drain checks for UDP flows that stopped waiting for a reply, in milliseconds. */
const CHECK_INTERVAL_MS = 100

/** Closed listeners with open connections, until these connections have ended. */
export class DrainingListeners {
  readonly #clock: Clock
  readonly #listeners = new Set<Listener>()
  readonly #waits: ConditionWaits

  constructor(clock: Clock) {
    this.#clock = clock
    this.#waits = new ConditionWaits(clock)
  }

  /** Adds a listener that was just closed. */
  add(listener: Listener): void {
    this.#listeners.add(listener)
    this.removeIdle()
  }

  /** Removes listeners without open connections. */
  removeIdle(): void {
    for (const listener of this.#listeners) {
      if (listener.countBusy() > 0) continue
      listener.abortConnections()
      this.#listeners.delete(listener)
    }
  }

  /** The owner calls this whenever a connection has ended. */
  notifyConnectionEnd(): void {
    this.#waits.recheck()
  }

  /** Resolves when no listener is busy any more, or after `timeoutMs` milliseconds; 0: at once. */
  async waitUntilIdle(timeoutMs: number): Promise<void> {
    if (timeoutMs === 0) return
    let cancelPoll: () => void = () => undefined
    // The end of a connection is reported, but a UDP flow stops being busy just because time passes.
    const poll = (): void => {
      this.#waits.recheck()
      cancelPoll = this.#clock.after(CHECK_INTERVAL_MS, poll)
    }
    poll()
    await this.#waits.until(() => this.#isIdle, timeoutMs)
    cancelPoll()
  }

  /** Aborts all open connections; returns how many there were. */
  abortConnections(): number {
    let count = 0
    for (const listener of this.#listeners) count += listener.abortConnections()
    this.#listeners.clear()
    return count
  }

  [Symbol.iterator](): Iterator<Listener> {
    return this.#listeners.values()
  }

  get #isIdle(): boolean {
    for (const listener of this.#listeners) if (listener.countBusy() > 0) return false
    return true
  }
}
