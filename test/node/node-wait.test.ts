import t from 'tap'
import { NodeWait } from '../../lib/node/node-wait.js'
import { ManualClock } from '../support/clock/manual-clock.js'
import { RecordingLog } from '../support/log/recording-log.js'

function createNodeWait(getReason: () => string | undefined, then: 'serve' | 'exit' = 'serve') {
  const clock = new ManualClock()
  const log = new RecordingLog()
  const calls: string[] = []
  const onTimeout = (reason: string): void => void calls.push(`timeout: ${reason}`)
  const wait = new NodeWait({ clock, log, getPolicy: () => ({ timeoutMs: 5000, then }), getReason, onTimeout })
  wait.subscribe(() => calls.push('resume'))
  return { clock, log, wait, calls }
}

t.test('there is no wait if the Node is known', t => {
  const { wait, log } = createNodeWait(() => undefined)
  t.equal(wait.isOver(), true)
  t.strictSame(log.entries, [])
  t.end()
})

t.test('the wait ends for good when the Node appears', async t => {
  let reason: string | undefined = 'it is not there'
  const { wait, clock, log, calls } = createNodeWait(() => reason)
  t.equal(wait.isOver(), false)
  await clock.advance(4000)
  t.equal(wait.isOver(), false)
  t.match(log.entries, [{ message: 'Waiting for the Node of this machine', fields: { reason, seconds: 5 } }])
  reason = undefined
  t.equal(wait.isOver(), true)
  reason = 'it is not there'
  t.equal(wait.isOver(), true, 'the wait does not start again when the Node disappears')
  await clock.advance(60_000)
  t.strictSame(calls, [])
})

t.test(
  'a timeout of a mode that serves without the Node is reported once, and then the first sync may begin',
  async t => {
    const { wait, clock, calls } = createNodeWait(() => 'it has no address')
    for (const _ of [1, 2, 3]) t.equal(wait.isOver(), false)
    await clock.advance(5000)
    t.strictSame(calls, ['timeout: it has no address', 'resume'])
    t.equal(wait.isOver(), true)
    await clock.advance(60_000)
    t.equal(calls.length, 2)
  },
)

t.test(
  'a timeout of a mode that exits without the Node is reported once, and no sync begins before the exit',
  async t => {
    let reason: string | undefined = 'it is not there'
    const { wait, clock, calls } = createNodeWait(() => reason, 'exit')
    t.equal(wait.isOver(), false)
    await clock.advance(5000)
    t.strictSame(calls, ['timeout: it is not there'])
    t.equal(wait.isOver(), false, 'another change of an object starts no sync')
    reason = undefined
    t.equal(wait.isOver(), false, 'nor does the Node, which comes too late')
    await clock.advance(60_000)
    t.equal(calls.length, 1)
  },
)

t.test('after a stop nothing is called, and no first sync begins', async t => {
  const { wait, clock, calls } = createNodeWait(() => 'it is not there')
  t.equal(wait.isOver(), false)
  wait.stop()
  await clock.advance(60_000)
  t.strictSame(calls, [])
  t.equal(clock.pendingTimers, 0)
  t.equal(wait.isOver(), false)
})

t.test('a stop after the wait is over does not keep syncs from starting', t => {
  const { wait } = createNodeWait(() => undefined)
  t.equal(wait.isOver(), true)
  wait.stop()
  t.equal(wait.isOver(), true)
  t.end()
})

t.test('the wait becomes shorter when less is missing, and never longer', async t => {
  const clock = new ManualClock()
  const calls: string[] = []
  let policy = { timeoutMs: 300_000, then: 'exit' as 'exit' | 'serve' }
  const wait = new NodeWait({
    clock,
    log: new RecordingLog(),
    getPolicy: () => policy,
    getReason: () => 'it has no address',
    onTimeout: (reason, { then }) => void calls.push(`${then}: ${reason}`),
  })
  t.equal(wait.isOver(), false)
  await clock.advance(100_000)
  policy = { timeoutMs: 5000, then: 'serve' }
  t.equal(wait.isOver(), false)
  await clock.advance(4000)
  policy = { timeoutMs: 300_000, then: 'exit' }
  t.equal(wait.isOver(), false)
  t.strictSame(calls, [])
  await clock.advance(1000)
  t.strictSame(calls, ['serve: it has no address'])
  t.equal(wait.isOver(), true)
})
