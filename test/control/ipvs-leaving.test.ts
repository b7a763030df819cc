import t from 'tap'
import { IpvsLeaving } from '../../lib/control/ipvs-leaving.js'
import { RecordingLog } from '../observe/recording-log.js'

t.test('what ipvs mode left goes once rules stand in every family, and no sooner, and once', async t => {
  const log = new RecordingLog()
  let left = 0
  const leaving = new IpvsLeaving(['IPv4', 'IPv6'], () => Promise.resolve(++left > 0), log)
  leaving.rulesWritten('IPv4')
  leaving.rulesWritten('IPv4')
  t.equal(left, 0)
  const told = log.next()
  leaving.rulesWritten('IPv6')
  t.match(await told, { severity: 'info', message: 'Removed what ipvs mode had left' })
  leaving.rulesWritten('IPv6')
  t.equal(left, 1)
})

t.test('where it was never used nothing is said', async t => {
  const log = new RecordingLog()
  const leaving = new IpvsLeaving(['IPv4'], () => Promise.resolve(false), log)
  leaving.rulesWritten('IPv4')
  await new Promise(setImmediate)
  t.same(log.entries, [])
})

t.test('what cannot be removed is told, and serving goes on', async t => {
  const log = new RecordingLog()
  const leaving = new IpvsLeaving(['IPv4'], () => Promise.reject(new Error('no ipvsadm')), log)
  const told = log.next()
  leaving.rulesWritten('IPv4')
  t.match(await told, { severity: 'error', error: { message: 'no ipvsadm' } })
})
