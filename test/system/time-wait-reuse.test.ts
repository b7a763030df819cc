import t from 'tap'
import { type KernelFiles } from '../../lib/system/kernel-files.js'
import { TIME_WAIT_REUSE_FILE, allowTimeWaitReuse } from '../../lib/system/time-wait-reuse.js'
import { RecordingLog } from '../support/log/recording-log.js'

t.test('tcp_tw_reuse is set unless it is already, and a failure is a warning with a hint', t => {
  const writes: string[] = []
  const files = (now: number | undefined, failure?: Error): KernelFiles => ({
    read: () => now,
    write: (file, value) => {
      if (failure !== undefined) throw failure
      writes.push(`${file}=${value}`)
    },
  })
  const log = new RecordingLog()
  allowTimeWaitReuse(log, files(1))
  t.strictSame([writes, log.entries], [[], []], 'it is set already')
  for (const value of [0, 2]) {
    allowTimeWaitReuse(log, files(value))
    t.strictSame(writes.splice(0), [`${TIME_WAIT_REUSE_FILE}=1`], `it was ${value}`)
  }
  allowTimeWaitReuse(log, files(undefined, Object.assign(new Error('read-only'), { code: 'EROFS' })))
  t.match(log.entries.at(-1), { severity: 'warn', fields: { reason: 'EROFS', hint: /--reuse-source-ports=false/ } })
  t.end()
})
