import { fork } from 'node:child_process'
import { once, EventEmitter } from 'node:events'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { DEFAULT_TIMINGS } from '../../lib/dataplane/data-plane-timings.js'
import { WorkerProcess } from '../../lib/workers/worker-process.js'
import { ManualClock } from '../support/clock/manual-clock.js'
import { RecordingLog } from '../support/log/recording-log.js'
import { failStarts } from '../support/processes/fail-starts.js'
import { OwnPath } from '../support/processes/own-path.js'
import { rightsOf } from '../support/processes/process-rights.js'
import { waitUntil } from '../support/dataplane/plane-under-test.js'

const WORKER_MAIN = fileURLToPath(new URL('../../lib/workers/worker-main.js', import.meta.url))
const SEND_WRONG_MESSAGE = new URL('../support/processes/send-wrong-message.js', import.meta.url).href
const SETTINGS = {
  workers: 1,
  verbosity: 0,
  timings: DEFAULT_TIMINGS,
  fastPath: 'auto',
  passedSockets: true,
  orphanTime: 0,
  drainTimeout: 0,
} as const

/** A real worker process, and a clock that the test moves. @param startedThrough see `WorkerProcessOptions` */
function start(t: Test, startedThrough?: readonly string[]) {
  const log = new RecordingLog()
  const clock = new ManualClock()
  const events = new EventEmitter()
  const worker = new WorkerProcess({
    settings: SETTINGS,
    startedThrough,
    inheritedSockets: () => [],
    clock,
    log,
    onReady: () => events.emit('ready'),
    onEnd: () => events.emit('end'),
    onMessage: () => undefined,
  })
  t.teardown(() => {
    worker.disableRestart()
    worker.kill()
  })
  return { clock, log, worker, next: (event: 'ready' | 'end') => once(events, event) }
}

t.test('a worker that exits is replaced at once, and after longer and longer pauses if it keeps exiting', async t => {
  const { clock, worker, next } = start(t)
  await next('ready')
  for (const pause of [0, 100, 200, 400]) {
    const ended = next('end')
    const { pid } = worker
    process.kill(pid!, 'SIGKILL')
    await ended
    t.equal(worker.pid, undefined)
    clock.advanceSync(Math.max(0, pause - 1))
    if (pause > 0) t.equal(worker.pid, undefined, `not yet after ${pause - 1} ms`)
    const ready = next('ready')
    clock.advanceSync(1)
    await ready
    t.not(worker.pid, pid)
  }
  t.equal(worker.restarts, 4)
  t.equal(worker.problem, 'keeps-exiting', 'also while a process runs')
  clock.advanceSync(10_000)
  const ended = next('end')
  worker.kill()
  await ended
  const ready = next('ready')
  clock.advanceSync(0)
  await ready
  t.pass('after a long run the next process starts at once')
})

t.test('a worker that does not reply to pings is reported within seconds, then replaced', async t => {
  const { clock, worker, next } = start(t)
  await next('ready')
  const { pid } = worker
  process.kill(pid!, 'SIGSTOP')
  const ended = next('end')
  const problems = []
  for (let second = 2; second <= 10; second += 2) {
    t.equal(worker.pid, pid)
    clock.advanceSync(2000)
    problems.push(worker.problem)
  }
  t.strictSame(problems, [undefined, undefined, 'silent', 'silent', 'silent'])
  clock.advanceSync(2000)
  await ended
  const ready = next('ready')
  clock.advanceSync(0)
  await ready
  t.not(worker.pid, pid)
  t.equal(worker.problem, undefined)
})

t.test('a worker that sends a wrong message is killed and replaced, and the control process lives', async t => {
  const options = process.env['NODE_OPTIONS'] ?? ''
  process.env['NODE_OPTIONS'] = `${options} --import=${SEND_WRONG_MESSAGE}`
  const { log, clock, worker, next } = start(t)
  process.env['NODE_OPTIONS'] = options
  await next('ready')
  const { pid } = worker
  const ended = next('end')
  process.kill(pid!, 'SIGUSR2')
  await ended
  t.match(log.entries, [
    {
      severity: 'error',
      message: 'Killing a data-plane worker',
      error: { code: 'WORKER_FAILED', message: 'A data-plane worker sent a message of an unknown kind: undefined' },
    },
    { severity: 'error', message: 'A data-plane worker exited; its connections are lost' },
  ])
  const ready = next('ready')
  clock.advanceSync(0)
  await ready
  t.not(worker.pid, pid)
})

t.test('a worker that hangs before it is ready is replaced too', async t => {
  const { clock, worker, next } = start(t)
  const { pid } = worker
  process.kill(pid!, 'SIGSTOP')
  const ended = next('end')
  clock.advanceSync(10_000)
  t.equal(worker.problem, 'not-starting')
  clock.advanceSync(30_000)
  await ended
  const ready = next('ready')
  clock.advanceSync(0)
  await ready
  t.equal(worker.problem, undefined)
})

t.test('a worker that replies to pings keeps running', async t => {
  const { clock, worker, next } = start(t)
  await next('ready')
  const { pid } = worker
  for (let ping = 0; ping < 20; ping++) {
    clock.advanceSync(2000)
    await waitUntil(() => worker.hasAnswered, 'the worker has replied')
  }
  t.equal(worker.pid, pid)
})

t.test('a worker that cannot start is one error, and is started again after longer and longer pauses', async t => {
  const allowStarts = failStarts(t)
  const { clock, log, worker, next } = start(t)
  await next('end')
  for (const pause of [0, 100, 200, 400]) {
    t.equal(worker.pid, undefined)
    clock.advanceSync(Math.max(0, pause - 1))
    const ended = next('end')
    clock.advanceSync(1)
    await ended
  }
  t.equal(worker.problem, 'keeps-exiting')
  t.equal(log.entries.length, 1)
  t.match(log.entries[0], {
    severity: 'error',
    error: { code: 'WORKER_FAILED', message: /^Cannot start a data-plane worker: .*E2BIG/, hint: /memory/ },
  })
  allowStarts()
  const ready = next('ready')
  clock.advanceSync(800)
  await ready
  t.equal(worker.isReady, true)
})

t.test('a worker starts without the program that takes its capabilities when that program was removed', async t => {
  const path = new OwnPath(t)
  const before = process.env['PATH']
  process.env['PATH'] = path.env['PATH']
  t.teardown(() => (process.env['PATH'] = before))
  const { clock, log, worker, next } = start(t, ['setpriv', '--no-new-privs'])
  await next('ready')
  t.equal(rightsOf(worker.pid!).noNewPrivileges, true)
  path.remove('setpriv')
  const ended = next('end')
  worker.replace()
  await ended
  await next('ready')
  t.equal(rightsOf(worker.pid!).noNewPrivileges, false)
  t.match(log.entries, [{ severity: 'warn', fields: { reason: /no program "setpriv"/, hint: /Install "setpriv"/ } }])
  t.equal(log.entries.length, 1)
  t.equal(clock.now(), 0, 'without a pause')
})

t.test('a worker that cannot be replaced is started later', async t => {
  const { clock, worker, next } = start(t)
  await next('ready')
  const allowStarts = failStarts(t)
  const ended = next('end')
  worker.replace()
  await ended
  t.equal(worker.pid, undefined)
  allowStarts()
  const ready = next('ready')
  clock.advanceSync(0)
  await ready
  t.equal(worker.isReady, true)
})

t.test('a worker is not replaced when restarts are disabled', async t => {
  const { clock, worker, next } = start(t)
  await next('ready')
  worker.disableRestart()
  const ended = next('end')
  worker.kill()
  await ended
  clock.advanceSync(60_000)
  t.equal(worker.pid, undefined)
  t.equal(worker.restarts, 0)
})

t.test('a worker that is being replaced has no next process when restarts are disabled meanwhile', async t => {
  const { worker, next } = start(t)
  await next('ready')
  const ended = next('end')
  worker.replace()
  worker.disableRestart()
  await ended
  t.equal(worker.pid, undefined)
})

t.test('a worker ends if its parent has gone before the worker was ready', async t => {
  const worker = fork(WORKER_MAIN, [JSON.stringify(SETTINGS)], { execArgv: [], stdio: 'ignore' })
  t.teardown(() => worker.kill('SIGKILL'))
  worker.disconnect()
  const [code, signal] = (await once(worker, 'exit')) as [number | null, NodeJS.Signals | null]
  t.strictSame([code, signal], [0, null])
})
