import { EventEmitter, once } from 'node:events'
import { type Clock } from '../../lib/model/clock.js'

/** A clock that stands still until `advance`. */
export class ManualClock implements Clock {
  #now = 0
  readonly #events = new EventEmitter()
  #timers: { at: number; action: () => void }[] = []

  now(): number {
    return this.#now
  }

  after(ms: number, action: () => void): () => void {
    const timer = { at: this.#now + ms, action }
    this.#timers.push(timer)
    this.#events.emit('armed')
    return () => {
      this.#timers = this.#timers.filter(other => other !== timer)
    }
  }

  /** Resolves when the next timer is set. */
  async waitForTimer(): Promise<void> {
    await once(this.#events, 'armed')
  }

  get pendingTimers(): number {
    return this.#timers.length
  }

  advance(ms: number): void {
    this.#now += ms
    const due = this.#timers.filter(({ at }) => at <= this.#now)
    this.#timers = this.#timers.filter(({ at }) => at > this.#now)
    for (const { action } of due) action()
  }
}
