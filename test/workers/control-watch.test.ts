import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { ControlWatch, type KillResult } from '../../lib/workers/control-watch.js'
import { ManualClock } from '../support/clock/manual-clock.js'
import { RecordingLog } from '../support/log/recording-log.js'
import { TcpPod, readAnswer } from '../support/pods/tcp-pod.js'
import { rightsOf } from '../support/processes/process-rights.js'

const CONTROL = fileURLToPath(new URL('../support/processes/control-entry.js', import.meta.url))

function start(result: KillResult = 'signalled') {
  const clock = new ManualClock()
  const log = new RecordingLog()
  let kills = 0
  const killControl = () => {
    kills++
    return result
  }
  const watch = new ControlWatch({ timeoutMs: 60_000, clock, log, killControl })
  return { clock, log, watch, kills: () => kills }
}

t.test('a control process is killed once, after a minute without a ping', t => {
  const { clock, log, watch, kills } = start()
  for (let second = 0; second < 120; second += 2) {
    watch.recordPing()
    clock.advanceSync(2000)
  }
  t.equal(kills(), 0)
  clock.advanceSync(52_000)
  t.equal(kills(), 0)
  clock.advanceSync(8000)
  t.equal(kills(), 1)
  clock.advanceSync(600_000)
  t.equal(kills(), 1)
  t.strictSame(
    log.errors.map(({ message }) => message),
    ['Killing the control process'],
  )
  watch.stop()
  t.equal(clock.pendingTimers, 0)
  t.end()
})

t.test('a control process that a debugger holds is left alone, and watched on', t => {
  const { clock, log, watch, kills } = start('traced')
  watch.recordPing()
  clock.advanceSync(120_000)
  t.equal(kills(), 2)
  t.ok(log.has('a debugger holds it'))
  t.equal(log.errors.length, 0)
  t.end()
})

for (const how of ['busy', 'stopped'] as const)
  t.test(`a real control process that is ${how} is killed, and its worker goes on`, { timeout: 60_000 }, async t => {
    const pod = await TcpPod.startNamed(t, 'pod')
    const control = fork(CONTROL, [String(pod.endpoint.port)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    t.teardown(() => control.kill('SIGKILL'))
    const [{ port, worker }] = (await once(control, 'message')) as [{ port: number; worker: number }]
    t.teardown(() => process.kill(worker, 'SIGKILL'))
    t.equal(await readAnswer(port), 'pod')
    const exited = once(control, 'exit')
    if (how === 'busy') control.send('work without end')
    else control.kill('SIGSTOP')
    t.strictSame(await exited, [null, 'SIGKILL'])
    t.equal(await readAnswer(port), 'pod')
  })

/** Another user than root, in a namespace of its own where /proc hides what it may not trace; it has a capability. */
const HIDING = [
  'unshare',
  ['--mount', 'sh', '-c', 'mount -t proc -o hidepid=invisible proc /proc && exec "$@"', 'sh', 'setpriv'],
  ['--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=+net_admin', '--ambient-caps=+net_admin'],
].flat()
const WITHOUT_CAPABILITIES = ['setpriv', '--no-new-privs', '--inh-caps=-all', '--ambient-caps=-all']

t.test(
  'a worker that cannot see its control process, because it has fewer capabilities, kills it all the same',
  { timeout: 60_000, skip: process.getuid?.() === 0 ? false : 'needs root for a namespace' },
  async t => {
    const pod = await TcpPod.startNamed(t, 'pod')
    const [program, ...words] = [...HIDING, process.execPath]
    const control = fork(CONTROL, [String(pod.endpoint.port), ...WITHOUT_CAPABILITIES], {
      execPath: program,
      execArgv: words,
      env: { PATH: process.env['PATH'] },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    t.teardown(() => control.kill('SIGKILL'))
    const [{ worker }] = (await once(control, 'message')) as [{ worker: number }]
    t.teardown(() => process.kill(worker, 'SIGKILL'))
    t.match(rightsOf(worker), { userId: 65534, noNewPrivileges: true })
    t.not(rightsOf(control.pid!).sets[2], 0n)
    const exited = once(control, 'exit')
    control.kill('SIGSTOP')
    t.strictSame(await exited, [null, 'SIGKILL'])
  },
)
