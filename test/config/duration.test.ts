import t from 'tap'
import { parseDuration } from '../../lib/config/duration.js'

void t.test('a duration is read in the syntax of Go', t => {
  const table: readonly (readonly [text: string, ms: number | undefined])[] = [
    ['0', 0],
    ['+0', 0],
    ['-0', 0],
    ['0s', 0],
    ['-0s', 0],
    ['250ms', 250],
    ['1s', 1000],
    ['+1s', 1000],
    ['-1s', -1000],
    ['1m30s', 90_000],
    ['1.5h', 5_400_000],
    ['.5s', 500],
    ['1.s', 1000],
    ['1h2m3s4ms', 3_723_004],
    ['30s1m', 90_000],
    ['100us', 0.1],
    // The micro sign and the Greek letter look alike; Go accepts both.
    ['100\u00b5s', 0.1],
    ['100\u03bcs', 0.1],
    ['1000000ns', 1],
    ['9000000h', 9_000_000 * 3_600_000],
    ['', undefined],
    ['1', undefined],
    ['s', undefined],
    ['.s', undefined],
    ['.', undefined],
    ['-', undefined],
    ['--1s', undefined],
    ['1 s', undefined],
    ['1s 2s', undefined],
    ['1d', undefined],
    ['1S', undefined],
    ['1e3s', undefined],
    ['1s1', undefined],
    ['1.2.3s', undefined],
    ['00', undefined],
    ['NaN', undefined],
    ['1constructor', undefined],
    ['9'.repeat(100_000), undefined],
  ]
  for (const [text, ms] of table) t.equal(parseDuration(text), ms, `"${text.slice(0, 30)}"`)
  t.end()
})
