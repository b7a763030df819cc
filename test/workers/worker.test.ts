import { once } from 'node:events'
import { createServer } from 'node:net'
import t, { type Test } from 'tap'
import { DEFAULT_TIMINGS } from '../../lib/dataplane/data-plane-timings.js'
import { realClock } from '../../lib/system/real-clock.js'
import { TcpHandleTransport } from '../../lib/dataplane/transport/tcp-handle-transport.js'
import { UdpHandleTransport } from '../../lib/dataplane/transport/udp-handle-transport.js'
import { Worker } from '../../lib/workers/worker.js'
import { GIVING_WAY_TITLE, LEAVING_TITLE, ORPHAN_TITLE } from '../../lib/workers/is-orphan.js'
import { type WorkerMessage } from '../../lib/workers/worker-messages.js'
import { ManualClock } from '../support/clock/manual-clock.js'
import { silentLog, makeListenerSpec, waitUntil } from '../support/dataplane/plane-under-test.js'
import { TcpPod, readAnswer, exchange } from '../support/pods/tcp-pod.js'

/** A worker in this process. Its messages go into a list. */
class WorkerUnderTest {
  readonly messages: WorkerMessage[] = []
  readonly titles: string[] = []
  readonly levels: number[] = []
  readonly clock = new ManualClock()
  hasExited = false
  /** Resolves when the control process takes the messages. */
  taken: Promise<unknown> = Promise.resolve()
  readonly worker: Worker
  #generation = 0

  constructor(t: Test) {
    const settings = {
      workers: 1,
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
      send: message => this.messages.push(message),
      sent: () => this.taken,
      setTitle: title => this.titles.push(title),
      exit: () => (this.hasExited = true),
      setVerbosity: level => this.levels.push(level),
      killControl: () => 'gone',
    })
    t.teardown(() => this.worker.handle({ kind: 'drain', timeoutMs: 0 }, undefined))
  }

  /** Sends a plan in one part and resolves with its report. */
  async applyPlan(set: ReturnType<typeof makeListenerSpec>[], drop: string[] = []) {
    const generation = ++this.#generation
    this.worker.handle({ kind: 'plan', generation, set, drop, isLast: true }, undefined)
    return this.waitForMessage('report', message => message.generation === generation)
  }

  /** Sends a plan with one listener. @returns its port */
  async listen({ endpoint }: TcpPod): Promise<number> {
    const { opened } = await this.applyPlan([makeListenerSpec({ endpoints: [endpoint] })])
    return opened[0]![1]
  }

  async waitForMessage<K extends WorkerMessage['kind']>(
    kind: K,
    matches: (message: WorkerMessage & { kind: K }) => boolean = () => true,
  ) {
    const find = () =>
      this.messages.find(message => message.kind === kind && matches(message as WorkerMessage & { kind: K }))
    await waitUntil(() => find() !== undefined, `the worker sends ${kind}`)
    return find() as WorkerMessage & { kind: K }
  }
}

/** Starts a worker with a connection to an endpoint that never answers; `open` resolves when that has ended. */
async function startWithConnection(t: Test) {
  const silent = await TcpPod.start(t, () => undefined)
  const fixture = new WorkerUnderTest(t)
  const port = await fixture.listen(silent)
  const open = exchange(port, 'x')
  await waitUntil(() => silent.sockets.length === 1, 'the connection is open')
  return { fixture, port, open }
}

const endpoints = [{ ip: '127.0.0.1', port: 9 }]

t.test('a worker reports each port once, and failures with the code of the system', async t => {
  const holder = createServer().listen(0, '127.0.0.1')
  await once(holder, 'listening')
  t.teardown(() => holder.close())
  const { port } = holder.address() as { port: number }
  const fixture = new WorkerUnderTest(t)
  const free = makeListenerSpec({ key: 'free', endpoints })
  const first = await fixture.applyPlan([free, makeListenerSpec({ key: 'taken', port, endpoints })])
  t.match(first.opened, [['free', Number]])
  t.match(first.failed, [{ key: 'taken', systemCode: 'EADDRINUSE' }])
  t.strictSame((await fixture.applyPlan([{ ...free, endpoints: [] }], ['taken'])).opened, [])
})

t.test('a worker closes passed sockets without a listener, because a copy keeps the port open', async t => {
  const fixture = new WorkerUnderTest(t)
  let closed = 0
  fixture.worker.handle({ kind: 'socket', key: 'gone' }, { close: () => closed++ })
  t.equal(closed, 0)
  await fixture.applyPlan([makeListenerSpec({ key: 'other', endpoints })])
  t.equal(closed, 1)
})

t.test('a worker applies a plan when its last part has arrived', async t => {
  const fixture = new WorkerUnderTest(t)
  const set = [makeListenerSpec({ key: 'a', endpoints })]
  fixture.worker.handle({ kind: 'plan', generation: 1, set, drop: [], isLast: false }, undefined)
  fixture.worker.handle(
    { kind: 'plan', generation: 1, set: [makeListenerSpec({ key: 'b', endpoints })], drop: [], isLast: true },
    undefined,
  )
  const { opened } = await fixture.waitForMessage('report')
  t.strictSame(opened.map(([key]) => key).sort(), ['a', 'b'])
  t.equal(fixture.messages.length, 1)
})

t.test('a worker sends the counts of many listeners in parts', async t => {
  const fixture = new WorkerUnderTest(t)
  await fixture.applyPlan(Array.from({ length: 450 }, (_, n) => makeListenerSpec({ key: `key-${n}`, endpoints: [] })))
  fixture.worker.handle({ kind: 'count', id: 3 }, undefined)
  await fixture.waitForMessage('counts', ({ isLast }) => isLast)
  const parts = fixture.messages.flatMap(message => (message.kind === 'counts' ? [message] : []))
  t.strictSame(
    parts.map(({ traffic }) => traffic.length),
    [200, 200, 50],
  )
})

/** The parts of the answer to an inspect command so far. */
function partsOf({ messages }: WorkerUnderTest, id: number) {
  return messages.flatMap(message => (message.kind === 'inspected' && message.id === id ? [message] : []))
}

t.test(
  'a worker sends many rows in parts, and each only when the control process has taken the one before',
  async t => {
    const fixture = new WorkerUnderTest(t)
    const many = Array.from({ length: 1200 }, (_, n) => ({ ip: '127.0.0.1', port: n + 1 }))
    await fixture.applyPlan([makeListenerSpec({ endpoints: many })])
    const takes: (() => void)[] = []
    const holdBack = (): void => void (fixture.taken = new Promise<void>(resolve => takes.push(resolve)))
    const takeOne = (): void => {
      const [take] = takes.splice(0, 1)
      holdBack()
      take!()
    }
    const turns = async (): Promise<void> => {
      for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
    }
    holdBack()
    const request = { what: 'endpoints', namespace: undefined, service: undefined, limit: Infinity } as const
    fixture.worker.handle({ kind: 'inspect', id: 1, request }, undefined)
    fixture.worker.handle({ kind: 'inspect', id: 2, request: { ...request, what: 'listeners' } }, undefined)
    const lengths = (id: number) => partsOf(fixture, id).map(({ answer: { rows } }) => rows.length)
    for (const expected of [[499], [499, 500], [499, 500, 201]]) {
      await turns()
      t.strictSame(lengths(1), expected)
      t.strictSame(lengths(2), [], 'one answer after the other')
      takeOne()
    }
    await turns()
    t.strictSame(lengths(1), [499, 500, 201, 0])
    t.strictSame(lengths(2), [1])
    takeOne()
    await fixture.waitForMessage('inspected', ({ id, isLast }) => id === 2 && isLast)
    t.ok(partsOf(fixture, 1).every(({ answer }) => answer.what === 'endpoints'))
  },
)

t.test('an orphan serves its last plan for a limited time, then drains and exits', async t => {
  const pod = await TcpPod.startNamed(t, 'pod')
  const fixture = new WorkerUnderTest(t)
  const port = await fixture.listen(pod)
  fixture.worker.handleSignal()
  t.equal(await readAnswer(port), 'pod', 'a worker with a control process ignores the signal')
  fixture.worker.becomeOrphan()
  t.equal(await readAnswer(port), 'pod')
  fixture.clock.advanceSync(999)
  t.equal(await readAnswer(port), 'pod')
  t.notOk(fixture.hasExited)
  fixture.clock.advanceSync(1)
  t.equal(await readAnswer(port), 'ECONNREFUSED')
  await waitUntil(() => fixture.hasExited, 'the worker has exited')
  t.strictSame(fixture.titles, [ORPHAN_TITLE, LEAVING_TITLE])
})

t.test('an orphan closes its listeners at a signal, and open connections may continue for the drain time', async t => {
  const { fixture, port, open } = await startWithConnection(t)
  fixture.worker.becomeOrphan()
  fixture.worker.handleSignal()
  t.equal(await readAnswer(port), 'ECONNREFUSED', 'the port is free at once')
  await fixture.clock.advance(50)
  t.equal((await open).error, 'ECONNRESET')
  await waitUntil(() => fixture.hasExited, 'the worker has exited')
})

t.test('an orphan that is asked to give way releases NodePorts and serves on', async t => {
  const pod = await TcpPod.startNamed(t, 'pod')
  const fixture = new WorkerUnderTest(t)
  const specs = [
    makeListenerSpec({ key: 'service', endpoints: [pod.endpoint] }),
    makeListenerSpec({ key: 'node port', holdsNodePort: true, endpoints: [] }),
  ]
  const opened = new Map((await fixture.applyPlan(specs)).opened)
  const bind = async (): Promise<string> => {
    const server = createServer().listen(opened.get('node port'), '127.0.0.1')
    t.teardown(() => server.close())
    return once(server, 'listening').then(
      () => 'free',
      (error: NodeJS.ErrnoException) => error.code!,
    )
  }
  fixture.worker.releaseNodePorts()
  t.equal(await bind(), 'EADDRINUSE', 'a worker with a control process ignores the signal')
  fixture.worker.becomeOrphan()
  fixture.worker.releaseNodePorts()
  fixture.worker.releaseNodePorts()
  t.equal(await bind(), 'free')
  t.equal(await readAnswer(opened.get('service')!), 'pod')
  fixture.worker.handleSignal()
  t.equal(await readAnswer(opened.get('service')!), 'ECONNREFUSED')
  t.strictSame(fixture.titles, [ORPHAN_TITLE, GIVING_WAY_TITLE, GIVING_WAY_TITLE, LEAVING_TITLE])
})

t.test('a worker without a plan exits with its control process', async t => {
  const idle = new WorkerUnderTest(t)
  idle.worker.becomeOrphan()
  await waitUntil(() => idle.hasExited, 'the worker has exited')
})

t.test(
  'a worker that loses its control process while it drains lets open connections continue for the drain timeout',
  async t => {
    const { fixture: draining, open } = await startWithConnection(t)
    // As a proxy that stands by does.
    draining.worker.handle({ kind: 'drain', timeoutMs: 20 * 24 * 3600 * 1000 }, undefined)
    draining.worker.becomeOrphan()
    t.strictSame(draining.titles, [LEAVING_TITLE])
    await draining.clock.advance(49)
    t.notOk(draining.hasExited)
    await draining.clock.advance(1)
    t.equal((await open).error, 'ECONNRESET')
    await waitUntil(() => draining.hasExited, 'the worker has exited')
  },
)

t.test('a worker that loses its control process late in a drain keeps the end of the drain', async t => {
  const { fixture: draining, open } = await startWithConnection(t)
  draining.worker.handle({ kind: 'drain', timeoutMs: 20 }, undefined)
  draining.worker.becomeOrphan()
  await draining.clock.advance(20)
  t.equal((await open).error, 'ECONNRESET')
  await waitUntil(() => draining.hasExited, 'the worker has exited')
  t.equal(draining.messages.filter(({ kind }) => kind === 'drained').length, 1)
})

t.test('an orphan lets open connections continue for the drain timeout that was set last', async t => {
  const { fixture, open } = await startWithConnection(t)
  fixture.worker.handle({ kind: 'settings', settings: { verbosity: 0, drainTimeout: 120 } }, undefined)
  fixture.worker.becomeOrphan()
  fixture.worker.handleSignal()
  await fixture.clock.advance(119)
  t.notOk(fixture.hasExited, 'it is longer than at the start')
  await fixture.clock.advance(1)
  t.equal((await open).error, 'ECONNRESET')
  await waitUntil(() => fixture.hasExited, 'the worker has exited')
})

t.test('a worker that loses its control process while it drains uses the drain timeout that was set last', async t => {
  const { fixture, open } = await startWithConnection(t)
  fixture.worker.handle({ kind: 'settings', settings: { verbosity: 0, drainTimeout: 20 } }, undefined)
  fixture.worker.handle({ kind: 'drain', timeoutMs: 20 * 24 * 3600 * 1000 }, undefined)
  fixture.worker.becomeOrphan()
  await fixture.clock.advance(20)
  t.equal((await open).error, 'ECONNRESET')
  await waitUntil(() => fixture.hasExited, 'the worker has exited')
})

t.test('a worker changes the level of its log on command', t => {
  const { worker, levels } = new WorkerUnderTest(t)
  worker.handle({ kind: 'settings', settings: { verbosity: 4, drainTimeout: 50 } }, undefined)
  t.strictSame(levels, [4])
  t.end()
})
