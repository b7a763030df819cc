import t from 'tap'
import { type Point, computeGrowth } from '../code/soak/report/growth.js'
import { seededRandom } from '../../test/support/checks/seeded-random.js'

const SECONDS = 30 * 60
const WARM_UP = 5 * 60
const ALLOWED = 4
/** The same numbers in every run: how often chance hides a leak is counted below, and must not decide whether a test fails. */
const random = seededRandom(1)

/** A sample each second, as with a measurement that is not exact: half a unit more or less. */
function samples(valueAt: (second: number) => number, noise = random): Point[] {
  return Array.from({ length: SECONDS + 1 }, (_, at) => ({ at, value: valueAt(at) + noise() - 0.5 }))
}

/** Garbage: rises evenly and falls to nothing at once. */
const sawtooth =
  (height: number, period: number, phase = 0) =>
  (at: number): number =>
    height * ((at / period + phase) % 1)

/** MiB at a second. */
const leak =
  (kibPerMinute: number) =>
  (at: number): number =>
    (kibPerMinute / 1024) * (at / 60)

const growth = (points: readonly Point[], allowed = ALLOWED) => computeGrowth(points, WARM_UP, allowed)!

void t.test('What stays as it is does not grow, however much garbage there is', t => {
  t.notOk(growth(samples(() => 100)).grows)
  for (const period of [7, 45, 90, 200, 400])
    for (const phase of [0, 0.3, 0.6, 0.9]) {
      const { grows, early, late } = growth(samples(at => 100 + sawtooth(30, period, phase)(at)))
      t.notOk(grows, `collected every ${period} s, from ${phase} on: ${early.toFixed(1)} MiB, ${late.toFixed(1)} MiB`)
    }
  t.end()
})

void t.test('A leak of 200 KiB a minute is seen, alone and under garbage', t => {
  const alone = growth(samples(at => 100 + leak(200)(at)))
  t.ok(alone.grows)
  t.ok(Math.abs(alone.perHour - (200 * 60) / 1024) < 1, `${alone.perHour.toFixed(1)} MiB in an hour`)
  for (const period of [7, 45, 90, 200])
    for (const phase of [0, 0.3, 0.6, 0.9])
      t.ok(
        growth(samples(at => 100 + leak(200)(at) + sawtooth(30, period, phase)(at))).grows,
        `collected every ${period} s, from ${phase} on`,
      )
  t.end()
})

void t.test(
  'Where garbage leaves eight floors to go by, chance hides one leak in fifty at the most, and makes up none',
  t => {
    const garbage = sawtooth(30, 200, 0.6)
    let seen = 0
    let madeUp = 0
    for (let seed = 1; seed <= 100; seed++) {
      const noise = seededRandom(seed)
      seen += +growth(samples(at => 100 + leak(200)(at) + garbage(at), noise)).grows
      madeUp += +growth(samples(at => 100 + garbage(at), noise)).grows
    }
    t.ok(seen >= 98, `${seen} of 100`)
    t.equal(madeUp, 0)
    t.end()
  },
)

void t.test('What happens in the warm-up is not judged', t => {
  const { grows, early } = growth(samples(at => (at < WARM_UP ? at / 3 : 100)))
  t.notOk(grows)
  t.ok(early > 99)
  t.end()
})

void t.test('A single step, and a few wild samples, are no growth', t => {
  t.notOk(growth(samples(at => (at < 1200 ? 100 : 102))).grows, 'two MiB more, once')
  t.notOk(growth(samples(at => (at % 400 === 399 ? 400 : 100))).grows, 'high ones')
  t.notOk(growth(samples(at => (at % 400 === 399 && at < 900 ? 0 : 100))).grows, 'low ones')
  t.end()
})

void t.test('A step that is larger than what is allowed, early in the time, is growth no less than a leak', t => {
  t.ok(growth(samples(at => 100 + (at < 1000 ? 0 : 20))).grows)
  t.end()
})

void t.test('A descriptor that is lost every minute is seen, under a load that goes up and down', t => {
  const load = (at: number): number => Math.round(250 + 20 * Math.sin(at / 11))
  t.notOk(growth(samples(load), 12).grows)
  t.ok(
    growth(
      samples(at => load(at) + Math.floor(at / 60)),
      12,
    ).grows,
  )
  t.end()
})

void t.test('What shrinks does not grow', t => {
  const { grows, perHour } = growth(samples(at => 200 - leak(500)(at)))
  t.notOk(grows)
  t.ok(perHour < 0)
  t.end()
})

void t.test('Without samples in every window there is no judgement', t => {
  t.equal(computeGrowth([], WARM_UP, ALLOWED), undefined)
  t.equal(computeGrowth(samples(() => 1).slice(0, 200), WARM_UP, ALLOWED), undefined, 'of the warm-up only')
  const gap = samples(() => 1).filter(({ at }) => at < 900 || at > 1000)
  t.equal(computeGrowth(gap, WARM_UP, ALLOWED), undefined, 'none for more than a minute')
  const few = samples(leak(2000)).filter(({ at }) => at % 100 === 0)
  t.ok(computeGrowth(few, WARM_UP, ALLOWED)?.grows, 'few are enough when there are some in each part of the time')
  t.end()
})
