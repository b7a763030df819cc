import { once } from 'node:events'
import { createServer } from 'node:net'
import t, { type Test } from 'tap'
import { DEFAULT_TIMINGS } from '../../lib/dataplane/in-process.js'
import { realClock } from '../../lib/system/real-clock.js'
import { LEAVING_TITLE, ORPHAN_TITLE } from '../../lib/workers/orphans.js'
import { TcpHandleTransport } from '../../lib/dataplane/transport/tcp-handle-transport.js'
import { UdpHandleTransport } from '../../lib/dataplane/transport/udp-handle-transport.js'
import { Worker } from '../../lib/workers/worker.js'
import { type WorkerMessage } from '../../lib/workers/worker-messages.js'
import { ManualClock } from '../support/clock/manual-clock.js'
import { silentLog, makeListenerSpec, waitUntil } from '../support/dataplane/plane-under-test.js'
import { TcpPod, readAnswer, exchange } from '../support/pods/tcp-pod.js'

/** A worker in this process, that answers into a list. */
class WorkerUnderTest {
  readonly messages: WorkerMessage[] = []
  readonly titles: string[] = []
  readonly clock = new ManualClock()
  hasEnded = false
  readonly worker: Worker
  #generation = 0

  constructor(t: Test) {
    const settings = {
      verbosity: 0,
      timings: DEFAULT_TIMINGS,
      fastPath: 'auto',
      passedSockets: false,
      orphanTime: 1000,
      drainTimeout: 50,
    } as const
    this.worker = new Worker({
      settings,
      clock: { now: () => realClock.now(), after: (ms, action) => this.clock.after(ms, action) },
      random: () => 0,
      descriptorLimit: 1000,
      transports: { transport: new TcpHandleTransport(), udpTransport: new UdpHandleTransport() },
      log: silentLog,
      send: answer => this.messages.push(answer),
      setTitle: title => this.titles.push(title),
      exit: () => (this.hasEnded = true),
    })
    t.teardown(() => this.worker.handle({ kind: 'drain', timeoutMs: 0 }, undefined))
  }

  /** Sends a plan in one part and resolves with its report. */
  async applyPlan(set: ReturnType<typeof makeListenerSpec>[], drop: string[] = []) {
    const generation = ++this.#generation
    this.worker.handle({ kind: 'plan', generation, set, drop, isLast: true }, undefined)
    return this.waitForMessage('report', answer => answer.generation === generation)
  }

  async waitForMessage<K extends WorkerMessage['kind']>(
    kind: K,
    matches: (answer: WorkerMessage & { kind: K }) => boolean = () => true,
  ) {
    const find = () =>
      this.messages.find(answer => answer.kind === kind && matches(answer as WorkerMessage & { kind: K }))
    await waitUntil(() => find() !== undefined, `it answers ${kind}`)
    return find() as WorkerMessage & { kind: K }
  }
}

const endpoints = [{ ip: '127.0.0.1', port: 9 }]

t.test('reports ports once, and what could not be opened with the system code', async t => {
  const holder = createServer().listen(0, '127.0.0.1')
  await once(holder, 'listening')
  t.teardown(() => holder.close())
  const { port } = holder.address() as { port: number }
  const it = new WorkerUnderTest(t)
  const free = makeListenerSpec({ key: 'free', endpoints })
  const first = await it.applyPlan([free, makeListenerSpec({ key: 'taken', port, endpoints })])
  t.match(first.opened, [['free', Number]])
  t.match(first.failed, [{ key: 'taken', systemCode: 'EADDRINUSE' }])
  t.strictSame((await it.applyPlan([{ ...free, endpoints: [] }], ['taken'])).opened, [])
})

t.test('closes sockets that it was handed and has no listener for: a copy would keep the port open', async t => {
  const it = new WorkerUnderTest(t)
  let closed = 0
  it.worker.handle({ kind: 'socket', key: 'gone' }, { close: () => closed++ })
  t.equal(closed, 0)
  await it.applyPlan([makeListenerSpec({ key: 'other', endpoints })])
  t.equal(closed, 1)
})

t.test('carries out a plan when its last part has come', async t => {
  const it = new WorkerUnderTest(t)
  const set = [makeListenerSpec({ key: 'a', endpoints })]
  it.worker.handle({ kind: 'plan', generation: 1, set, drop: [], isLast: false }, undefined)
  it.worker.handle(
    { kind: 'plan', generation: 1, set: [makeListenerSpec({ key: 'b', endpoints })], drop: [], isLast: true },
    undefined,
  )
  const { opened } = await it.waitForMessage('report')
  t.strictSame(opened.map(([key]) => key).sort(), ['a', 'b'])
  t.equal(it.messages.length, 1)
})

t.test('counts thousands of listeners in parts', async t => {
  const it = new WorkerUnderTest(t)
  await it.applyPlan(Array.from({ length: 450 }, (_, n) => makeListenerSpec({ key: `key-${n}`, endpoints: [] })))
  it.worker.handle({ kind: 'count', id: 3 }, undefined)
  await it.waitForMessage('counts', ({ isLast }) => isLast)
  const parts = it.messages.flatMap(answer => (answer.kind === 'counts' ? [answer] : []))
  t.strictSame(
    parts.map(({ traffic }) => traffic.length),
    [200, 200, 50],
  )
})

t.test('without a control process it serves what it knows until its time is up, then drains and ends', async t => {
  const pod = await TcpPod.startNamed(t, 'pod')
  const it = new WorkerUnderTest(t)
  const [[, port]] = (await it.applyPlan([makeListenerSpec({ endpoints: [pod.endpoint] })])).opened as [
    [string, number],
  ]
  it.worker.handleSignal()
  t.equal(await readAnswer(port), 'pod', 'a signal is not for it while there is a control process')
  it.worker.becomeOrphan()
  t.equal(await readAnswer(port), 'pod')
  it.clock.advanceSync(999)
  t.equal(await readAnswer(port), 'pod')
  t.notOk(it.hasEnded)
  it.clock.advanceSync(1)
  t.equal(await readAnswer(port), 'ECONNREFUSED')
  await waitUntil(() => it.hasEnded, 'it has ended')
  t.strictSame(it.titles, [ORPHAN_TITLE, LEAVING_TITLE])
})

t.test('a successor has it leave at once, and open connections may go on for the time of a drain', async t => {
  const silent = await TcpPod.start(t, () => undefined)
  const it = new WorkerUnderTest(t)
  const [[, port]] = (await it.applyPlan([makeListenerSpec({ endpoints: [silent.endpoint] })])).opened as [
    [string, number],
  ]
  const open = exchange(port, 'x')
  await waitUntil(() => silent.sockets.length === 1, 'it is connected')
  it.worker.becomeOrphan()
  it.worker.handleSignal()
  t.equal(await readAnswer(port), 'ECONNREFUSED', 'the port is free before anything else happens')
  t.equal((await open).error, 'ECONNRESET')
  await waitUntil(() => it.hasEnded, 'it has ended')
})

t.test('with nothing to serve, or being drained, it ends with its control process', async t => {
  const idle = new WorkerUnderTest(t)
  idle.worker.becomeOrphan()
  t.ok(idle.hasEnded)
  const silent = await TcpPod.start(t, () => undefined)
  const draining = new WorkerUnderTest(t)
  const [[, port]] = (await draining.applyPlan([makeListenerSpec({ endpoints: [silent.endpoint] })])).opened as [
    [string, number],
  ]
  void exchange(port, 'x')
  await waitUntil(() => silent.sockets.length === 1, 'it is connected')
  draining.worker.handle({ kind: 'drain', timeoutMs: 60_000 }, undefined)
  t.notOk(draining.hasEnded)
  draining.worker.becomeOrphan()
  t.ok(draining.hasEnded)
  silent.stop()
})
