import t from 'tap'
import { parseDuration, goDuration } from '../../lib/config/duration.js'

t.test('a duration is printed as Go prints it, and reads back the same', t => {
  for (const [ms, text] of [
    [0, '0s'],
    [0.000001, '1ns'],
    [0.25, '250µs'],
    [1.5, '1.5ms'],
    [250, '250ms'],
    [1000, '1s'],
    [1500, '1.5s'],
    [60_000, '1m0s'],
    [90_000, '1m30s'],
    [900_000, '15m0s'],
    [86_400_000, '24h0m0s'],
    [3_600_500, '1h0m0.5s'],
    [-1000, '-1s'],
  ] as const) {
    t.equal(goDuration(ms), text)
    t.equal(parseDuration(text), ms, text)
  }
  t.end()
})
