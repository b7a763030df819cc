import t from 'tap'
import { withTimeout } from '../../lib/primitives/with-timeout.js'
import { ManualClock } from '../support/clock/manual-clock.js'

const never = new Promise<string>(() => undefined)
const onTimeout = (): string => 'timed out'

t.test('a result in time is returned, and its timer is cancelled', async t => {
  const clock = new ManualClock()
  t.equal(await withTimeout(Promise.resolve('done'), { clock, ms: 10, onTimeout }), 'done')
  await t.rejects(withTimeout(Promise.reject(new Error('no')), { clock, ms: 10, onTimeout: () => 1 }), {
    message: 'no',
  })
  t.equal(clock.pendingTimers, 0)
})

t.test('a timeout returns what onTimeout returns, or rejects with what it throws', async t => {
  const clock = new ManualClock()
  const returned = withTimeout(never, { clock, ms: 10, onTimeout })
  const thrown = withTimeout(never, {
    clock,
    ms: 10,
    onTimeout: () => {
      throw new Error('too late')
    },
  })
  clock.advanceSync(9)
  t.equal(clock.pendingTimers, 2)
  clock.advanceSync(1)
  t.equal(await returned, 'timed out')
  await t.rejects(thrown, { message: 'too late' })
})

t.test('a result after the timeout changes nothing', async t => {
  const clock = new ManualClock()
  let finish: (value: string) => void = () => undefined
  const work = new Promise<string>(resolve => (finish = resolve))
  let timeouts = 0
  const result = withTimeout(work, { clock, ms: 10, onTimeout: () => `timeout ${++timeouts}` })
  clock.advanceSync(10)
  finish('late')
  t.equal(await result, 'timeout 1')
  t.equal(timeouts, 1)
})

t.test('an abort rejects with its reason, before or during the wait, and leaves no timer', async t => {
  const clock = new ManualClock()
  const abort = new AbortController()
  const waiting = withTimeout(never, { clock, ms: 10, onTimeout, signal: abort.signal })
  abort.abort(new Error('stopped'))
  await t.rejects(waiting, { message: 'stopped' })
  await t.rejects(withTimeout(never, { clock, ms: 10, onTimeout, signal: abort.signal }), { message: 'stopped' })
  t.equal(clock.pendingTimers, 0)
})
