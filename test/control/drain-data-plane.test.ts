import { getEventListeners, once } from 'node:events'
import { type Socket, connect } from 'node:net'
import t, { type Test } from 'tap'
import { createDataPlane } from '../../lib/control/create-data-plane.js'
import { drainDataPlane, drainInStandby, serveUntilIdle } from '../../lib/control/drain-data-plane.js'
import { realClock } from '../../lib/system/real-clock.js'
import { makeListenerPlan, makeListenerSpec, silentLog, waitUntil } from '../support/dataplane/plane-under-test.js'
import { RecordingLog } from '../support/log/recording-log.js'
import { TcpPod } from '../support/pods/tcp-pod.js'

const LONG_MS = 60_000

/** A data plane with one open connection. */
async function createBusyPlane(t: Test) {
  const pod = await TcpPod.start(t, socket => void socket.resume().on('end', () => socket.end()))
  const plane = await createDataPlane({ log: silentLog })
  t.teardown(() => plane.drain(0))
  const spec = makeListenerSpec({ endpoints: [pod.endpoint] })
  const { open } = await plane.apply(makeListenerPlan(spec))
  const port = open.get(spec.key)!
  const client = connect(port, '127.0.0.1').on('error', () => undefined)
  t.teardown(() => client.destroy())
  await waitUntil(() => plane.counts().listeners[0]?.traffic.active === 1, 'the connection is open')
  return { plane, port, client }
}

function limits(timeoutMs: number, forceStop = new AbortController().signal) {
  return { clock: realClock, deadline: realClock.now() + timeoutMs, forceStop }
}

/** How an attempt to connect ends. */
async function tryConnect(port: number): Promise<string> {
  const client: Socket = connect(port, '127.0.0.1')
  const outcome = await Promise.race([
    once(client, 'connect').then(() => 'connected'),
    once(client, 'close').then(() => 'closed'),
  ]).catch((error: NodeJS.ErrnoException) => error.code ?? String(error))
  client.destroy()
  return outcome
}

t.test('a drain refuses new clients at once, and ends when the last connection has closed', async t => {
  const { plane, port, client } = await createBusyPlane(t)
  const log = new RecordingLog()
  const onCut = () => Promise.resolve(void t.fail('nothing was cut'))
  const drained = drainDataPlane(plane, limits(LONG_MS), log, onCut)
  t.equal(await tryConnect(port), 'ECONNREFUSED')
  t.strictSame(
    log.entries.map(({ message }) => message),
    ['Draining: open connections may continue'],
  )
  client.destroy()
  await drained
  t.equal(log.entries.at(-1)?.message, 'Drained')
})

t.test('a drain that reaches its deadline closes the connections and says how many', async t => {
  const { plane, client } = await createBusyPlane(t)
  const log = new RecordingLog()
  const closed = new Promise(resolve => client.once('close', resolve))
  let cuts = 0
  await drainDataPlane(plane, limits(0), log, () => closed.then(() => void cuts++))
  t.equal(cuts, 1, 'the caller learns it after they are closed')
  t.match(log.entries.at(-1), { severity: 'warn', fields: { connections: 1 } })
})

t.test('a second signal ends a drain before its deadline, also one that came before the drain', async t => {
  for (const isEarly of [true, false]) {
    const { plane, client } = await createBusyPlane(t)
    const closed = new Promise<void>(resolve => void client.once('close', () => resolve()))
    const log = new RecordingLog()
    const forceStop = new AbortController()
    if (isEarly) forceStop.abort()
    const drained = drainDataPlane(plane, limits(LONG_MS, forceStop.signal), log, () => closed)
    forceStop.abort()
    await drained
    t.match(log.entries.at(-1)?.message, 'Second signal received')
  }
})

t.test('a drain that has lost workers warns, and lets their clients connect again, also while standing by', async t => {
  const plane = { drain: () => Promise.resolve({ cutOff: 0, lostWorkers: 2 }) }
  const never = new AbortController().signal
  for (const drain of [
    (log: RecordingLog, onCut: () => Promise<void>) => drainDataPlane(plane, limits(LONG_MS), log, onCut),
    (log: RecordingLog, onCut: () => Promise<void>) =>
      drainInStandby(plane, { timeIsOver: never, forceStop: never }, log, onCut),
  ]) {
    const log = new RecordingLog()
    let cuts = 0
    await drain(log, () => Promise.resolve(void cuts++))
    t.match(log.entries.at(-1), { severity: 'warn', message: /ended in their drain/, fields: { workers: 2 } })
    t.equal(cuts, 1)
  }
})

t.test('a proxy that serves until it is idle accepts clients, and ends with the last connection', async t => {
  const { plane, port, client } = await createBusyPlane(t)
  const { signal } = new AbortController()
  let counts = 0
  const counted = { counts: () => (counts++, plane.counts()) }
  const idle = serveUntilIdle(counted, limits(LONG_MS, signal)).then(() => 'idle')
  t.equal(await tryConnect(port), 'connected')
  await waitUntil(() => counts > 3, 'it has counted some times')
  t.equal(getEventListeners(signal, 'abort').length, 1, 'however long it serves')
  client.destroy()
  t.equal(await idle, 'idle')
})

t.test('a proxy that serves until it is idle ends at the deadline, and at a second signal', async t => {
  const { plane } = await createBusyPlane(t)
  await serveUntilIdle(plane, limits(0))
  const forceStop = new AbortController()
  const ended = serveUntilIdle(plane, limits(LONG_MS, forceStop.signal))
  forceStop.abort()
  await ended
  t.equal(plane.counts().listeners[0]?.traffic.active, 1, 'the connection is open')
})

t.test('a proxy that stands by refuses new clients, and ends with its last connection or with its time', async t => {
  for (const end of ['last connection', 'time', 'second signal'] as const) {
    const { plane, port, client } = await createBusyPlane(t)
    const [timeIsOver, forceStop] = [new AbortController(), new AbortController()]
    const log = new RecordingLog()
    const closed = new Promise<void>(resolve => void client.once('close', () => resolve()))
    let cuts = 0
    const onCut = () => closed.then(() => void cuts++)
    const drained = drainInStandby(plane, { timeIsOver: timeIsOver.signal, forceStop: forceStop.signal }, log, onCut)
    t.equal(await tryConnect(port), 'ECONNREFUSED')
    t.equal(log.entries.length, 1, 'one line')
    if (end === 'last connection') client.destroy()
    else (end === 'time' ? timeIsOver : forceStop).abort()
    await drained
    t.equal(log.entries.at(-1)?.message === 'Drained', end === 'last connection', end)
    t.equal(cuts, end === 'last connection' ? 0 : 1, end)
  }
})
