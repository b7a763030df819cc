import { type Clock, type TimerOptions } from '../../../lib/model/clock.js'
import { realClock } from '../../../lib/system/real-clock.js'

/** A clock that counts what ran at its times: the sweeps of a data plane. */
export class CountingClock implements Clock {
  count = 0

  now(): number {
    return realClock.now()
  }

  after(ms: number, action: () => void, options?: TimerOptions): () => void {
    const counted = (): void => {
      this.count++
      action()
    }
    return realClock.after(ms, counted, options)
  }
}
