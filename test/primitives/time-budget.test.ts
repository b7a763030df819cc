import t from 'tap'
import { TimeBudget } from '../../lib/primitives/time-budget.js'

/** At a time in milliseconds: what `wait` or `covers` returns, or time that is spent. */
type Step =
  | readonly [at: number, call: 'wait', result: number]
  | readonly [at: number, call: 'covers', ms: number, result: boolean]
  | readonly [at: number, call: 'spend', ms: number]

/** The share is a power of two, so that all figures are exact. */
const SHARE = 1 / 64
const TABLE: readonly { readonly name: string; readonly maxWaitMs: number; readonly steps: readonly Step[] }[] = [
  {
    name: 'work runs without a pause until the reserve is used up',
    maxWaitMs: 1e6,
    steps: [
      [0, 'spend', 400],
      [0, 'wait', 0],
      [0, 'spend', 400],
      [0, 'wait', 0],
      [0, 'spend', 264],
      [0, 'wait', 64 * 64],
    ],
  },
  {
    name: 'in the long run it takes its share of the time',
    maxWaitMs: 1e6,
    steps: [
      [0, 'spend', 1000],
      [0, 'spend', 100],
      [6400, 'wait', 0],
      [6400, 'spend', 100],
      [6400, 'wait', 6400],
      [12_800, 'wait', 0],
    ],
  },
  {
    name: 'a long pause restores the reserve, and no more',
    maxWaitMs: 1e6,
    steps: [
      [0, 'spend', 1000],
      [0, 'covers', 0, false],
      [1e9, 'covers', 999, true],
      [1e9, 'covers', 1000, false],
    ],
  },
  {
    name: 'no wait is longer than the longest one',
    maxWaitMs: 30_000,
    steps: [
      [0, 'spend', 100_000],
      [0, 'wait', 30_000],
      [30_000, 'wait', 0],
      [30_000, 'spend', 100_000],
      [30_000, 'wait', 30_000],
    ],
  },
]

for (const { name, maxWaitMs, steps } of TABLE)
  t.test(name, t => {
    const budget = new TimeBudget({ share: SHARE, reserveMs: 1000, maxWaitMs })
    for (const step of steps) {
      const [at, call] = step
      if (call === 'spend') budget.spend(at, step[2])
      else if (call === 'wait') t.equal(budget.wait(at), step[2], `at ${at}`)
      else t.equal(budget.covers(at, step[2]), step[3], `at ${at}`)
    }
    t.end()
  })
