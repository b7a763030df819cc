import t from 'tap'
import { createMicrosecondClock } from '../../lib/observe/microsecond-clock.js'

t.test('the time has the fraction of the monotonic clock', t => {
  let wall = 1000
  let monotonic = 50
  const now = createMicrosecondClock(
    () => wall,
    () => monotonic,
  )
  t.equal(now(), 1000)
  monotonic = 50.25
  t.equal(now(), 1000.25)
  wall = 1007
  monotonic = 57.5
  t.equal(now(), 1007.5)
  t.end()
})

t.test('the time follows the wall clock when that is set, in both directions', t => {
  let wall = 100_000
  let monotonic = 50
  const now = createMicrosecondClock(
    () => wall,
    () => monotonic,
  )
  for (const step of [3_600_000, -7_200_000, 5]) {
    wall += step
    t.equal(now(), wall)
    monotonic += 0.5
    t.equal(now(), wall + 0.5)
  }
  t.end()
})
