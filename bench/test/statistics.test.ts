import t from 'tap'
import { MIN_NOISE, noise, meetsTarget, spread, summarize } from '../code/report/statistics.js'

void t.test('The median, the quartiles and the range of samples', t => {
  t.same(summarize([5, 1, 4, 2, 3]), {
    median: 3,
    lowest: 1,
    highest: 5,
    lowerQuartile: 2,
    upperQuartile: 4,
    count: 5,
  })
  t.match(summarize([4, 1, 2, 3]), { median: 2.5, lowerQuartile: 1.75, upperQuartile: 3.25 }, 'between samples')
  t.match(summarize([7]), { median: 7, lowest: 7, highest: 7, lowerQuartile: 7, upperQuartile: 7, count: 1 })
  t.match(summarize([1, NaN, 3]), { median: 2, lowest: 1, highest: 3, count: 2 }, 'what is no number is no sample')
  t.equal(summarize([]), undefined)
  t.end()
})

void t.test('The spread is half of the distance between the quartiles, as a part of the median', t => {
  t.equal(spread(summarize([80, 90, 100, 110, 120])!), 0.1)
  t.equal(spread(summarize([80, 90, 100, 110, 9000])!), 0.1, 'whatever one of them is')
  t.equal(spread(summarize([5])!), 0)
  t.equal(spread(summarize([-1, 0, 1])!), 0, 'nothing is a part of nothing')
  t.end()
})

void t.test('A limit is a floor where higher is better, and a ceiling otherwise', t => {
  t.ok(meetsTarget(1.25, 1.25, 'higher'))
  t.notOk(meetsTarget(1.24, 1.25, 'higher'))
  t.ok(meetsTarget(1.1, 1.1, 'lower'))
  t.notOk(meetsTarget(1.11, 1.1, 'lower'))
  t.end()
})

void t.test('Noise is what two medians of the same may differ by', t => {
  const rounds = (...values: number[]) => summarize(values)!
  t.equal(noise(rounds(80, 90, 100, 110, 120), rounds(100)), 0.2, 'twice the spread of one where the other has none')
  const both = noise(rounds(80, 90, 100, 110, 120), rounds(8, 9, 10, 11, 12))
  t.ok(Math.abs(both - 0.2 * Math.SQRT2) < 1e-9, 'and of both as they add up, in whatever unit')
  t.equal(noise(rounds(100), rounds(100)), MIN_NOISE, 'rounds that are equal by chance do not make it nothing')
  t.end()
})
