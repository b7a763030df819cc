import t from 'tap'
import { type KernelFiles } from '../../lib/system/kernel-files.js'
import { ROUTE_LOCALNET_FILE, allowRouteLocalnet } from '../../lib/system/route-localnet.js'
import { RecordingLog } from '../support/log/recording-log.js'

void t.test('route_localnet is set unless it is already, and a failure is a warning with a hint', t => {
  const writes: string[] = []
  const files = (now: number | undefined, failure?: Error): KernelFiles => ({
    read: () => now,
    write: (file, value) => {
      if (failure !== undefined) throw failure
      writes.push(`${file}=${value}`)
    },
  })
  const log = new RecordingLog()
  allowRouteLocalnet(log, files(1))
  t.strictSame(writes, [], 'it is set already')
  allowRouteLocalnet(log, files(0))
  t.strictSame(writes.splice(0), [`${ROUTE_LOCALNET_FILE}=1`])
  allowRouteLocalnet(log, files(0, Object.assign(new Error('read-only'), { code: 'EROFS' })))
  t.strictSame(
    log.entries.map(({ severity, fields }) => [severity, fields['reason']]),
    [
      ['info', undefined],
      ['warn', 'EROFS'],
    ],
  )
  t.end()
})
