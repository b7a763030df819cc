import t from 'tap'
import { NamedTimers } from '../../lib/primitives/named-timers.js'
import { ManualClock } from '../support/clock/manual-clock.js'

function createTimers() {
  const clock = new ManualClock()
  const timers = new NamedTimers<'sync' | 'retry'>(clock)
  const ran: string[] = []
  const set = (name: 'sync' | 'retry', ms: number, label: string = name) => timers.set(name, ms, () => ran.push(label))
  return { clock, timers, ran, set }
}

t.test('a timer runs once, and a second one of the same name changes nothing', t => {
  const { clock, timers, ran, set } = createTimers()
  set('sync', 10, 'first')
  set('sync', 5, 'second')
  set('retry', 20)
  t.equal(timers.has('sync'), true)
  clock.advanceSync(9)
  t.same(ran, [])
  clock.advanceSync(1)
  t.same(ran, ['first'])
  t.equal(timers.has('sync'), false)
  clock.advanceSync(100)
  t.same(ran, ['first', 'retry'])
  set('sync', 1, 'third')
  clock.advanceSync(1)
  t.same(ran, ['first', 'retry', 'third'])
  t.end()
})

t.test('a timer may be set again by its own action', t => {
  const { clock, timers, ran } = createTimers()
  const tick = (): void => {
    ran.push('tick')
    timers.set('sync', 10, tick)
  }
  timers.set('sync', 10, tick)
  clock.advanceSync(30)
  t.same(ran, ['tick', 'tick', 'tick'])
  t.end()
})

t.test('a cancelled timer does not run, and may be set again', t => {
  const { clock, timers, ran, set } = createTimers()
  set('sync', 10, 'cancelled')
  timers.cancel('sync')
  timers.cancel('retry')
  set('sync', 20, 'later')
  clock.advanceSync(100)
  t.same(ran, ['later'])
  t.end()
})

t.test('after a stop no timer runs, and none can be set', t => {
  const { clock, timers, ran, set } = createTimers()
  set('sync', 10)
  timers.stop()
  set('retry', 10)
  clock.advanceSync(100)
  t.same(ran, [])
  t.equal(clock.pendingTimers, 0)
  t.end()
})
