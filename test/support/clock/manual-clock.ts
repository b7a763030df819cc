import { EventEmitter, once } from 'node:events'
import { type Clock } from '../../../lib/model/clock.js'

interface Timer {
  readonly at: number
  readonly action: () => void
}

/**
 * A clock that a test moves by hand. Timers run one by one, in order, each at its own time; a timer that an action sets runs
 * in the same move if it is due.
 */
export class ManualClock implements Clock {
  readonly #events = new EventEmitter()
  #now = 0
  #timers: Timer[] = []

  now(): number {
    return this.#now
  }

  after(ms: number, action: () => void): () => void {
    const timer = { at: this.#now + ms, action }
    this.#timers.push(timer)
    this.#events.emit('set')
    return () => this.#remove(timer)
  }

  /** How many timers are set. */
  get pendingTimers(): number {
    return this.#timers.length
  }

  /** Resolves when the next timer is set. */
  async waitForTimer(): Promise<void> {
    await once(this.#events, 'set')
  }

  /** Moves on, and lets the work that a timer started settle before the next timer runs. */
  async advance(ms: number): Promise<void> {
    await settle()
    const end = this.#now + ms
    while (this.#runNext(end)) await settle()
    this.#now = end
  }

  /** Moves on in one turn of the event loop, for tests that then wait for an event. */
  advanceSync(ms: number): void {
    const end = this.#now + ms
    while (this.#runNext(end));
    this.#now = end
  }

  /** Runs the first timer that is due at `end`; returns whether there was one. */
  #runNext(end: number): boolean {
    const timer = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0]
    if (timer === undefined) return false
    this.#remove(timer)
    this.#now = Math.max(this.#now, timer.at)
    timer.action()
    return true
  }

  #remove(timer: Timer): void {
    this.#timers = this.#timers.filter(other => other !== timer)
  }
}

/** Resolves when everything that needs no outside event has run. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise<void>(resolve => setImmediate(resolve))
}
