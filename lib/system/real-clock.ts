import { performance } from 'node:perf_hooks'
import { type Clock } from '../model/clock.js'

/** A longer timer of Node.js runs at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** The clock of this machine. A timer runs after 24.8 days at the latest. */
export const realClock: Clock = {
  now: () => performance.now(),
  after: (ms, action, { keepsAlive = true } = {}) => {
    const timer = setTimeout(action, Math.min(ms, LONGEST_TIMER_MS))
    if (!keepsAlive) timer.unref()
    return () => clearTimeout(timer)
  },
}
