import t from 'tap'
import { type SharedBudgetCounts } from '../../../lib/dataplane/data-plane.js'
import { ShortageLog } from '../../../lib/dataplane/limits/shortage-log.js'
import { ShortageWatch } from '../../../lib/dataplane/limits/shortage-watch.js'
import { ManualClock } from '../../support/clock/manual-clock.js'
import { RecordingLog } from '../../support/log/recording-log.js'

const counts = (changes: Partial<SharedBudgetCounts> = {}) => ({
  used: 290,
  limit: 400,
  waited: 0,
  shed: 0,
  evicted: 0,
  ...changes,
})

const budgets = (descriptors: SharedBudgetCounts, heldBack = counts(), affinity = counts()) => ({
  descriptors,
  memory: { heldBack, unanswered: counts({ shed: 7 }), sendQueue: counts({ shed: 8 }), affinity },
})
const context = { greediest: () => 'default/greedy', isByMemory: false }

t.test('a look finds what has become short since the last one, and for whom', t => {
  const watch = new ShortageWatch()
  t.strictSame(watch.check(budgets(counts()), context), [])
  const [shortage, ...others] = watch.check(budgets(counts({ waited: 3, shed: 2, evicted: 1 })), context)
  t.match(shortage, { name: 'descriptors', used: 290, limit: 400, service: 'default/greedy' })
  t.match(shortage, { waited: 3, rejected: 2, ended: 1, hint: /LimitNOFILE/ })
  t.strictSame(others, [])
  t.strictSame(watch.check(budgets(counts({ waited: 3, shed: 2, evicted: 1 })), context), [], 'nothing is new')
  const [more] = watch.check(budgets(counts({ waited: 4, shed: 2, evicted: 1 })), { ...context, isByMemory: true })
  t.match(more, { waited: 1, rejected: 0, ended: 0, hint: /memory/ })
  const memory = watch.check(budgets(counts({ waited: 4, shed: 2, evicted: 1 }), counts({ evicted: 5 })), context)
  t.match(memory, [{ name: 'memory', service: undefined, ended: 5 }])
  t.end()
})

t.test('there is one line a minute for each kind, with what has happened since the last one', t => {
  const clock = new ManualClock()
  const log = new RecordingLog()
  const shortages = new ShortageLog(log, clock)
  const report = (name: 'descriptors' | 'memory', waited: number) =>
    shortages.report({ name, used: 1, limit: 2, service: 'default/greedy', waited, rejected: 1, ended: 0, hint: 'x' })
  for (let worker = 0; worker < 3; worker++) report('descriptors', 10)
  report('memory', 1)
  t.equal(log.entries.length, 2)
  t.match(log.entries[0], {
    severity: 'warn',
    message: /^File descriptors are short/,
    fields: { service: 'default/greedy', waited: 10, rejected: 1 },
  })
  clock.advanceSync(59_999)
  report('descriptors', 5)
  t.equal(log.entries.length, 2)
  clock.advanceSync(1)
  report('descriptors', 100)
  t.match(log.entries[2]!.fields, { waited: 125, rejected: 4 })
  t.end()
})
