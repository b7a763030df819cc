import t from 'tap'
import { IpvsDrain } from '../../lib/control/ipvs-leaving.js'
import { type DrainState } from '../../lib/modes/ipvs/drain.js'
import { RecordingLog } from '../support/log/recording-log.js'
import { ManualClock } from '../support/clock/manual-clock.js'

/** What each look finds, in turn; the last one again and again. */
function drainStates(...found: readonly DrainState[]) {
  let count = 0
  const retire = () => Promise.resolve(found[Math.min(count++, found.length - 1)]!)
  return { retire, count: () => count }
}

t.test('what ipvs mode left goes once rules stand in every family, and no sooner, and once', async t => {
  const log = new RecordingLog()
  const { retire, count } = drainStates('all removed')
  const leaving = new IpvsDrain(['IPv4', 'IPv6'], retire, new ManualClock(), log)
  leaving.rulesWritten('IPv4')
  leaving.rulesWritten('IPv4')
  t.equal(count(), 0)
  const told = log.waitForEntry()
  leaving.rulesWritten('IPv6')
  t.match(await told, { severity: 'info', message: 'Removed what ipvs mode had left' })
  leaving.rulesWritten('IPv6')
  t.equal(count(), 1)
})

t.test('while connections are open it is looked at each minute, and told once that it waits', async t => {
  const log = new RecordingLog()
  const clock = new ManualClock()
  const { retire, count } = drainStates({ draining: 2 }, { draining: 1 }, 'all removed')
  new IpvsDrain(['IPv4'], retire, clock, log).rulesWritten('IPv4')
  await clock.advance(59_999)
  t.equal(count(), 1)
  t.match(log.entries, [
    { message: /stay until the last of their connections has ended/, fields: { virtualServers: 2 } },
  ])
  await clock.advance(60_001)
  t.equal(count(), 3)
  t.match(log.entries.slice(1), [{ message: 'Removed what ipvs mode had left' }])
  await clock.advance(600_000)
  t.equal(count(), 3)
  t.equal(log.entries.length, 2)
})

t.test('a look that fails while it waits is not the last', async t => {
  const log = new RecordingLog()
  const clock = new ManualClock()
  const found: (() => Promise<DrainState>)[] = [
    () => Promise.resolve({ draining: 1 }),
    () => Promise.reject(new Error('ipvsadm takes too long')),
    () => Promise.resolve('all removed'),
  ]
  new IpvsDrain(['IPv4'], () => found.shift()!(), clock, log).rulesWritten('IPv4')
  await clock.advance(120_000)
  t.match(log.entries.slice(1), [{ severity: 'error' }, { message: 'Removed what ipvs mode had left' }])
})

t.test('a process that ends looks no more, also when it was looking just then', async t => {
  const clock = new ManualClock()
  const { retire, count } = drainStates({ draining: 1 })
  const leaving = new IpvsDrain(['IPv4'], retire, clock, new RecordingLog())
  leaving.rulesWritten('IPv4')
  leaving.stop()
  await clock.advance(600_000)
  t.equal(count(), 1)
  const other = drainStates({ draining: 1 })
  const waiting = new IpvsDrain(['IPv4'], other.retire, clock, new RecordingLog())
  waiting.rulesWritten('IPv4')
  await clock.advance(0)
  waiting.stop()
  await clock.advance(600_000)
  t.equal(other.count(), 1)
})

t.test('where it was never used nothing is said', async t => {
  const log = new RecordingLog()
  const clock = new ManualClock()
  const { retire, count } = drainStates('nothing there')
  new IpvsDrain(['IPv4'], retire, clock, log).rulesWritten('IPv4')
  await clock.advance(600_000)
  t.same(log.entries, [])
  t.equal(count(), 1)
})

t.test('what cannot be removed is told, and serving goes on', async t => {
  const log = new RecordingLog()
  const fail = () => Promise.reject(new Error('no ipvsadm'))
  const told = log.waitForEntry()
  new IpvsDrain(['IPv4'], fail, new ManualClock(), log).rulesWritten('IPv4')
  t.match(await told, { severity: 'error', error: { message: 'no ipvsadm' } })
})
