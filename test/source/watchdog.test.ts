import t from 'tap'
import { Watchdog } from '../../lib/source/watchdog.js'
import { ManualClock } from '../support/clock/manual-clock.js'

t.test('the watchdog reports silence once, after the whole time without activity', test => {
  const clock = new ManualClock()
  let silences = 0
  const watchdog = new Watchdog(clock, 100, () => silences++)
  clock.advanceSync(60)
  watchdog.recordActivity()
  clock.advanceSync(60)
  test.equal(silences, 0)
  clock.advanceSync(40)
  test.equal(silences, 1)
  clock.advanceSync(1000)
  test.equal(silences, 1, 'and only once')
  test.end()
})

t.test('a stopped watchdog reports nothing', test => {
  const clock = new ManualClock()
  let silences = 0
  const watchdog = new Watchdog(clock, 10, () => silences++)
  watchdog.stop()
  clock.advanceSync(100)
  test.equal(silences, 0)
  test.end()
})
