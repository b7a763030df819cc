import t from 'tap'
import { Backoff } from '../../lib/source/backoff.js'

t.test('waits double, have a random part, and never exceed the maximum', test => {
  const waits = (random: number) => {
    const backoff = new Backoff({ firstMs: 800, maxMs: 30_000, random: () => random })
    return Array.from({ length: 9 }, () => Math.round(backoff.nextDelayMs()))
  }
  test.same(waits(0), [800, 1600, 3200, 6400, 12_800, 15_000, 15_000, 15_000, 15_000])
  test.same(waits(0.5), [1200, 2400, 4800, 9600, 19_200, 22_500, 22_500, 22_500, 22_500])
  test.ok(waits(0.999_999).every(ms => ms <= 30_000))
  test.end()
})

t.test('a reset starts again with the shortest wait, which may be none', test => {
  const backoff = new Backoff({ firstMs: 10, maxMs: 1000, random: () => 0, firstIsImmediate: true })
  test.same([backoff.nextDelayMs(), backoff.nextDelayMs(), backoff.nextDelayMs()], [0, 10, 20])
  backoff.reset()
  test.same([backoff.nextDelayMs(), backoff.nextDelayMs()], [0, 10])
  test.end()
})
