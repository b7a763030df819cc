import t from 'tap'
import { LateFailover } from '../../lib/failover/late-failover.js'
import { EMPTY_SNAPSHOT } from '../../lib/model/snapshot.js'
import { RecordingLog } from '../support/log/recording-log.js'

const never = new AbortController().signal

t.test('a kernel whose checks end after the hand-over to a successor does not take over', async t => {
  const calls: string[] = []
  const kernel = {
    prepare: () => Promise.resolve(true),
    update: () => calls.push('update'),
    takeOver: () => Promise.resolve(calls.push('takeOver') > 0),
    disarm: () => undefined,
  }
  for (const end of ['abandon', 'disarm'] as const) {
    let finishChecks = (): void => undefined
    const checked = new Promise<void>(resolve => (finishChecks = resolve))
    const failover = new LateFailover(() => checked.then(() => kernel), new RecordingLog())
    failover.update(EMPTY_SNAPSHOT)
    const abandon = new AbortController()
    const takenOver = failover.takeOver(abandon.signal)
    if (end === 'abandon') abandon.abort()
    else failover.disarm()
    finishChecks()
    t.equal(await takenOver, false, end)
  }
  t.strictSame(calls, [])
})

t.test('a kernel that cannot serve does not take over, and the log says why', async t => {
  const log = new RecordingLog()
  const failover = new LateFailover(() => Promise.reject(new Error('no iptables')), log)
  failover.update(EMPTY_SNAPSHOT)
  t.equal(await failover.takeOver(never), false)
  t.match(log.entries, [{ severity: 'warn', fields: { reason: 'no iptables' } }])
})

t.test('whether the kernel can serve is found out once', async t => {
  let count = 0
  const failover = new LateFailover(() => Promise.reject(new Error(`no iptables ${++count}`)), new RecordingLog())
  failover.update(EMPTY_SNAPSHOT)
  t.equal(await failover.prepare(), false)
  t.equal(await failover.takeOver(never), false)
  t.equal(count, 1)
})

t.test('before the first snapshot, the kernel keeps the rules that it has', async t => {
  const log = new RecordingLog()
  const failover = new LateFailover(() => Promise.reject(new Error('it was checked')), log)
  t.equal(await failover.takeOver(never), false)
  t.strictSame(log.entries, [])
})
