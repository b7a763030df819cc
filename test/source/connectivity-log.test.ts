import t from 'tap'
import { ApiRefusal, unreachableFailure } from '../../lib/source/api-failure.js'
import { ConnectivityLog } from '../../lib/source/connectivity-log.js'
import { ManualClock } from '../support/clock/manual-clock.js'
import { RecordingLog } from '../support/log/recording-log.js'

t.test('an outage of several resources is logged once for each reason, and so is its end', test => {
  const clock = new ManualClock()
  const log = new RecordingLog()
  const connectivity = new ConnectivityLog(log, 'https://api', clock)
  const refusedConnection = unreachableFailure(
    { server: 'https://api', path: '/x' },
    Object.assign(new Error('no'), { code: 'ECONNREFUSED' }),
  )
  const reset = unreachableFailure(
    { server: 'https://api', path: '/x' },
    Object.assign(new Error('no'), { code: 'ECONNRESET' }),
  )
  for (let attempt = 0; attempt < 3; attempt++) {
    connectivity.reportFailure('services', refusedConnection)
    connectivity.reportFailure('nodes', reset)
    connectivity.reportFailure('endpoints', refusedConnection)
    clock.advanceSync(20_000)
  }
  test.equal(log.entries.length, 2, 'one for each reason')
  connectivity.reportSuccess('services')
  connectivity.reportSuccess('nodes')
  test.equal(log.entries.length, 3)
  test.match(log.entries[2], { severity: 'info', fields: { afterSeconds: 60 } })
  connectivity.reportFailure('services', refusedConnection)
  test.equal(log.entries.length, 4, 'the next outage is reported again')
  test.end()
})

t.test('a refusal is reported once for each resource and status, and is not an outage', test => {
  const log = new RecordingLog()
  const connectivity = new ConnectivityLog(log, 'https://api', new ManualClock())
  const refusal = (status: number) =>
    new ApiRefusal({ server: 'https://api', path: '/x' }, { status, headers: {}, body: '', now: 0 })
  for (const resource of ['services', 'nodes', 'services', 'nodes']) connectivity.reportFailure(resource, refusal(403))
  test.equal(log.entries.length, 2)
  connectivity.reportFailure('services', refusal(401))
  connectivity.reportFailure('services', refusal(403))
  test.equal(log.entries.length, 3)
  connectivity.reportSuccess('services')
  connectivity.reportSuccess('services')
  test.equal(log.entries.length, 4)
  test.end()
})
