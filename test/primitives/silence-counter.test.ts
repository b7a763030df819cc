import t from 'tap'
import { SilenceCounter } from '../../lib/primitives/silence-counter.js'

t.test(
  'silence is too long after so many ticks, and again after as many more; a sign of life starts the count again',
  t => {
    const counter = new SilenceCounter(3)
    const ticks = (count: number) => Array.from({ length: count }, () => counter.tick())
    t.strictSame(ticks(2), [false, false])
    counter.recordSign()
    t.strictSame(ticks(6), [false, false, true, false, false, true])
    t.end()
  },
)
