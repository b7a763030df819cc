import t from 'tap'
import { LateFailover } from '../../lib/failover/late-failover.js'
import { EMPTY_SNAPSHOT } from '../../lib/model/snapshot.js'
import { ManualClock } from '../support/clock/manual-clock.js'
import { RecordingLog } from '../support/log/recording-log.js'

t.test('a kernel whose checks do not end in ten seconds does not take over', async t => {
  const [clock, log] = [new ManualClock(), new RecordingLog()]
  const failover = new LateFailover(() => new Promise(() => undefined), clock, log)
  failover.update(EMPTY_SNAPSHOT)
  const takenOver = failover.takeOver()
  await clock.advance(10_000)
  t.equal(await takenOver, false)
  t.equal(log.entriesWith('did not end within 10 s').length, 1)
})

t.test('before the first snapshot, the kernel keeps the rules that it has', async t => {
  const log = new RecordingLog()
  const failover = new LateFailover(() => Promise.reject(new Error('it was checked')), new ManualClock(), log)
  t.equal(await failover.takeOver(), false)
  t.strictSame(log.entries, [])
})
