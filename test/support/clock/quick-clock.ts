import { type Clock } from '../../../lib/model/clock.js'
import { realClock } from '../../../lib/system/real-clock.js'

/** How many seconds of this clock pass in a real one. */
const FACTOR = 20

/** A clock that runs faster than time, for tests that wait for timeouts beside real sockets. */
export const quickClock: Clock = {
  now: () => realClock.now() * FACTOR,
  after: (ms, action, options) => realClock.after(ms / FACTOR, action, options),
}
