import t from 'tap'
import { ConditionWaits } from '../../lib/primitives/condition-waits.js'
import { ManualClock } from '../support/clock/manual-clock.js'

t.test('a wait ends at the first recheck at which its condition holds, and others go on', async t => {
  const waits = new ConditionWaits(new ManualClock())
  const ended: string[] = []
  let value = 0
  const one = waits.until(() => value >= 1, 1000).then(() => ended.push('one'))
  const two = waits.until(() => value >= 2, 1000).then(() => ended.push('two'))
  waits.recheck()
  value = 1
  waits.recheck()
  await one
  t.same(ended, ['one'])
  value = 2
  waits.recheck()
  await two
  t.same(ended, ['one', 'two'])
})

t.test('a wait whose condition holds ends without a recheck', async t => {
  await t.resolves(new ConditionWaits(new ManualClock()).until(() => true, 1000))
})

t.test('a wait ends at its timeout, and no longer checks its condition', async t => {
  const clock = new ManualClock()
  const waits = new ConditionWaits(clock)
  let checks = 0
  const wait = waits.until(() => ++checks < 0, 1000)
  await clock.advance(1000)
  await wait
  waits.recheck()
  t.equal(checks, 1)
})
