import { performance } from 'node:perf_hooks'
import { type Clock } from '../model/clock.js'

/** The clock of this machine. */
export const realClock: Clock = {
  now: () => performance.now(),
  after: (ms, action, { keepsAlive = true } = {}) => {
    const timer = setTimeout(action, ms)
    if (!keepsAlive) timer.unref()
    return () => clearTimeout(timer)
  },
}
