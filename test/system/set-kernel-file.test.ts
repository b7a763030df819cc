import t from 'tap'
import { type KernelFiles } from '../../lib/system/kernel-files.js'
import { ROUTE_LOCALNET_FILE, allowRouteLocalnet } from '../../lib/system/route-localnet.js'
import { TIME_WAIT_REUSE_FILE, allowTimeWaitReuse } from '../../lib/system/time-wait-reuse.js'
import { RecordingLog } from '../support/log/recording-log.js'

const SETTINGS = [
  ['route_localnet', allowRouteLocalnet, ROUTE_LOCALNET_FILE, '--iptables-localhost-nodeports=false'],
  ['tcp_tw_reuse', allowTimeWaitReuse, TIME_WAIT_REUSE_FILE, '--reuse-source-ports=false'],
] as const

for (const [name, allow, file, flag] of SETTINGS)
  t.test(`${name} is set unless it is already, and a failure is a warning with a hint`, t => {
    const writes: string[] = []
    const files = (now: number | undefined, failure?: Error): KernelFiles => ({
      read: () => now,
      write: (file, value) => {
        if (failure !== undefined) throw failure
        writes.push(`${file}=${value}`)
      },
    })
    const log = new RecordingLog()
    allow(log, files(1))
    t.strictSame([writes, log.entries], [[], []], 'it is set already')
    for (const value of [0, 2, undefined]) {
      allow(log, files(value))
      t.strictSame(writes.splice(0), [`${file}=1`], `it was ${value}`)
    }
    allow(log, files(0, Object.assign(new Error('read-only'), { code: 'EROFS' })))
    t.match(log.entries.at(-1), { severity: 'warn', fields: { reason: 'EROFS', hint: new RegExp(flag) } })
    t.end()
  })
