import t from 'tap'
import { SUCCESSOR_LATE_MS, Successor } from '../../lib/control/successor.js'
import { ManualClock } from '../support/clock/manual-clock.js'

t.test('a successor answers probes as soon as it serves', async t => {
  const successor = new Successor(new ManualClock())
  await successor.onAsk()
  t.strictSame([successor.serves.aborted, successor.answers.aborted], [false, false])
  successor.onServing()
  t.strictSame([successor.serves.aborted, successor.answers.aborted], [true, true])
})

t.test('a successor that does not serve in time answers probes nevertheless', async t => {
  const clock = new ManualClock()
  const successor = new Successor(clock)
  await successor.onAsk()
  await clock.advance(SUCCESSOR_LATE_MS - 1)
  t.notOk(successor.answers.aborted)
  await clock.advance(1)
  t.strictSame([successor.serves.aborted, successor.answers.aborted], [false, true])
})

t.test('the time begins when the successor asks, also if giving way takes long', async t => {
  const clock = new ManualClock()
  const successor = new Successor(clock)
  let giveWay = (): void => undefined
  successor.giveWay = () => new Promise(resolve => (giveWay = resolve))
  const asked = successor.onAsk()
  t.ok(successor.asks.aborted)
  await clock.advance(SUCCESSOR_LATE_MS)
  t.ok(successor.answers.aborted)
  giveWay()
  await t.resolves(asked)
})

t.test('without a successor, a proxy that has to end keeps its ports', async t => {
  const successor = new Successor(new ManualClock())
  successor.letAnswer()
  t.notOk(successor.answers.aborted)
  await successor.onAsk()
  successor.letAnswer()
  t.ok(successor.answers.aborted)
})

t.test('a successor is lost when it was killed, or ended before it served', async t => {
  for (const serves of [true, false])
    for (const how of ['leaving', 'lost'] as const) {
      const successor = new Successor(new ManualClock())
      await successor.onAsk()
      if (serves) successor.onServing()
      t.notOk(successor.gone.aborted)
      successor.onGone(how)
      t.ok(successor.gone.aborted)
      t.equal(successor.isLost, how === 'lost' || !serves, `${how}, ${serves ? 'served' : 'had not served'}`)
    }
})
