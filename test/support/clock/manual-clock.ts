import { type Clock } from '../../../lib/model/clock.js'

interface Timer {
  readonly at: number
  readonly action: () => void
}

/** A clock that stands still until it is moved; timers run one by one, in order, each at its own time. */
export class ManualClock implements Clock {
  #now = 0
  #timers: Timer[] = []

  now(): number {
    return this.#now
  }

  after(ms: number, action: () => void): () => void {
    const timer = { at: this.#now + ms, action }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter(other => other !== timer)
    }
  }

  /** How many timers are set. */
  get pendingTimers(): number {
    return this.#timers.length
  }

  /** Moves on, and lets whatever a timer started come to rest before the next one runs. */
  async advance(ms: number): Promise<void> {
    await settle()
    const end = this.#now + ms
    for (let due = this.#nextUntil(end); due !== undefined; due = this.#nextUntil(end)) {
      const timer = due
      this.#timers = this.#timers.filter(other => other !== timer)
      this.#now = Math.max(this.#now, timer.at)
      timer.action()
      await settle()
    }
    this.#now = end
  }

  #nextUntil(end: number): Timer | undefined {
    return this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0]
  }
}

/** Resolves when everything that needs no outside event has run. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise<void>(resolve => setImmediate(resolve))
}
