import t from 'tap'
import { pause } from '../../lib/primitives/pause.js'
import { ManualClock } from '../support/clock/manual-clock.js'

t.test('an abort ends a pause and leaves no timer', async test => {
  const clock = new ManualClock()
  const abort = new AbortController()
  const paused = pause(clock, 1000, abort.signal)
  test.equal(clock.pendingTimers, 1)
  abort.abort()
  await paused
  test.equal(clock.pendingTimers, 0)
  await pause(clock, 1000, abort.signal)
  test.equal(clock.pendingTimers, 0)
})
