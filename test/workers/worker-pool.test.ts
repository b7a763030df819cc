import { type Socket as UdpSocket, createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type Socket, connect, createServer } from 'node:net'
import t, { type Test } from 'tap'
import { DEFAULT_TIMINGS } from '../../lib/dataplane/data-plane-timings.js'
import { type ListenerSpec } from '../../lib/dataplane/listener-plan.js'
import { realClock } from '../../lib/system/real-clock.js'
import { probePort } from '../../lib/workers/bound-handle.js'
import { NOTHING_ASSIGNED, assignListeners } from '../../lib/workers/assign-listeners.js'
import { WorkerPool, type WorkerPoolOptions } from '../../lib/workers/worker-pool.js'
import { ManualClock } from '../support/clock/manual-clock.js'
import { imbalance } from '../support/checks/imbalance.js'
import { makeListenerPlan, silentLog, makeListenerSpec, waitUntil } from '../support/dataplane/plane-under-test.js'
import { failStarts } from '../support/processes/fail-starts.js'
import { TcpPod, readAnswer } from '../support/pods/tcp-pod.js'

const SETTINGS: WorkerPoolOptions['settings'] = {
  verbosity: 0,
  timings: DEFAULT_TIMINGS,
  fastPath: 'auto',
  drainTimeout: 0,
  orphanTime: 0,
}

class PoolUnderTest {
  readonly pool: WorkerPool

  constructor(t: Test, workers: number, options: Partial<WorkerPoolOptions> = {}) {
    this.pool = new WorkerPool({ workers, settings: SETTINGS, clock: realClock, log: silentLog, ...options })
    t.teardown(() => this.pool.drain(0))
  }

  /** Applies specs and returns the port of each, in order. */
  async apply(...specs: readonly ListenerSpec[]): Promise<number[]> {
    const { open, failed } = await this.pool.apply(makeListenerPlan(...specs))
    for (const failure of failed.values()) throw failure
    return specs.map(({ key }) => open.get(key)!)
  }

  /** Kills the process of a worker; resolves when a new process has replaced it and serves. */
  async replace(worker: number): Promise<void> {
    const { running } = (await this.pool.counts()).workers!
    const pid = this.kill(worker)
    await waitUntil(
      async () => !this.pool.pids.includes(pid) && (await this.pool.counts()).workers!.running === running,
      'the worker has been replaced',
    )
  }

  kill(worker: number): number {
    const pid = this.pool.pids[worker]!
    process.kill(pid, 'SIGKILL')
    return pid
  }
}

type SpecChanges = Parameters<typeof makeListenerSpec>[0]

/** Specs of unshared listeners, one for each worker: worker n holds the n-th. */
function ownedSpecs(workers: number, changes: SpecChanges): ListenerSpec[] {
  return Array.from({ length: workers }, (_, id) => specsOwnedBy(id, workers, 1, changes)[0]!)
}

/** Specs of unshared listeners that one of the workers holds. */
function specsOwnedBy(worker: number, workers: number, count: number, changes: SpecChanges): ListenerSpec[] {
  const ids = Array.from({ length: workers }, (_, id) => id)
  const specs = Array.from({ length: 1000 }, (_, n) =>
    makeListenerSpec({ key: `IPv4/default/s${n}/${changes.protocol ?? 'TCP'}`, service: `s${n}`, ...changes }),
  )
  const { owners } = assignListeners(makeListenerPlan(...specs), ids, true, NOTHING_ASSIGNED)
  const owned = specs.filter(({ service }) => owners.get(`default/${service}`) === worker).slice(0, count)
  if (owned.length < count) throw new Error(`Too few Services of 1000 belong to worker ${worker}`)
  return owned
}

/** A connection that has echoed a byte. */
async function openConnection(port: number, localAddress = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', localAddress }).on('error', () => undefined)
  socket.write('x')
  await once(socket, 'data')
  return socket
}

const startEchoPod = (t: Test) => TcpPod.start(t, socket => void socket.pipe(socket))
const startNamedPods = (t: Test, ...names: string[]) => Promise.all(names.map(name => TcpPod.startNamed(t, name)))

/** A UDP server that answers with its name. */
async function startUdpPod(t: Test, name: string): Promise<{ ip: string; port: number }> {
  const socket = createSocket('udp4')
  socket.on('message', (_, from) => socket.send(name, from.port, from.address))
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  t.teardown(() => socket.close())
  return { ip: '127.0.0.1', port: socket.address().port }
}

async function startUdpClient(t: Test, port: number): Promise<{ socket: UdpSocket; ask: () => Promise<string> }> {
  const socket = createSocket('udp4')
  socket.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  t.teardown(() => socket.close())
  const askOnce = async (): Promise<string> => {
    socket.send('x')
    const [answer] = (await once(socket, 'message')) as [Buffer]
    return answer.toString()
  }
  return { socket, ask: askOnce }
}

t.test('a killed worker loses only its own connections, and another worker serves its listeners at once', async t => {
  const pod = await startEchoPod(t)
  const plane = new PoolUnderTest(t, 2)
  const ports = await plane.apply(...ownedSpecs(2, { endpoints: [pod.endpoint], affinityMs: 60_000 }))
  const [lost, unaffected] = await Promise.all(ports.map(port => openConnection(port)))
  plane.kill(0)
  await once(lost!, 'close')
  const fresh = await openConnection(ports[0]!)
  for (const socket of [unaffected!, fresh]) {
    socket.write('still here')
    t.equal(String((await once(socket, 'data'))[0]), 'still here')
    socket.destroy()
  }
})

t.test('under load, a killed worker loses only its open connections, and no client is refused', async t => {
  const [pod] = await startNamedPods(t, 'pod')
  const plane = new PoolUnderTest(t, 2)
  const [port] = await plane.apply(makeListenerSpec({ endpoints: [pod!.endpoint] }))
  const WIDTH = 4
  const answers: string[] = []
  const clients = Array.from({ length: WIDTH }, async () => {
    while (answers.length < 600) {
      answers.push(await readAnswer(port!))
      if (answers.length === 100) plane.kill(0)
      if (answers.length === 300) plane.kill(1)
    }
  })
  await Promise.all(clients)
  const lost = answers.filter(answer => answer !== 'pod')
  t.ok(lost.length <= 2 * WIDTH, `${lost.length} lost`)
  t.strictSame(
    [...new Set(lost)].filter(answer => answer !== 'ECONNRESET' && answer !== ''),
    [],
  )
})

t.test('without any worker, connections and datagrams wait for the next one', async t => {
  const [pod] = await startNamedPods(t, 'pod')
  const plane = new PoolUnderTest(t, 1)
  const dns = makeListenerSpec({
    key: 'IPv4/default/dns/UDP',
    protocol: 'UDP',
    endpoints: [await startUdpPod(t, 'udp pod')],
  })
  const [web, udp] = await plane.apply(makeListenerSpec({ endpoints: [pod!.endpoint] }), dns)
  const client = await startUdpClient(t, udp!)
  t.equal(await client.ask(), 'udp pod')
  plane.kill(0)
  t.strictSame(await Promise.all([readAnswer(web!), readAnswer(web!), client.ask()]), ['pod', 'pod', 'udp pod'])
})

t.test('a plan is rejected while no worker starts, and is served by the first one', async t => {
  const allowStarts = failStarts(t)
  const clock = new ManualClock()
  const setup = new PoolUnderTest(t, 1, { clock })
  const spec = makeListenerSpec({ protocol: 'UDP', endpoints: [] })
  const applied = t.rejects(setup.apply(spec), { code: 'WORKER_FAILED', message: 'No data-plane worker is running' })
  for (let second = 0; second < 14; second++) await clock.advance(1000)
  await applied
  allowStarts()
  const again = setup.apply(spec)
  while (setup.pool.pids.length === 0) await clock.advance(1000)
  t.match(await again, [Number])
})

t.test(
  'when nothing may wait any more, a plan that waits for a worker is rejected, and the last one frees ports',
  async t => {
    const clock = new ManualClock()
    const setup = new PoolUnderTest(t, 1, { clock })
    const [pod] = await startNamedPods(t, 'pod')
    const kept = makeListenerSpec({ endpoints: [pod!.endpoint] })
    const given = makeListenerSpec({ key: 'IPv4/default/other/TCP', service: 'other', endpoints: [pod!.endpoint] })
    const [, port] = await setup.apply(kept, given)
    failStarts(t)
    const pid = setup.kill(0)
    await waitUntil(() => !setup.pool.pids.includes(pid), 'there is no worker')
    // The clock stands still: nothing ends by a timeout.
    const waiting = setup.apply(kept, { ...given, endpoints: [] })
    setup.pool.endWaits()
    await t.rejects(waiting, { code: 'WORKER_FAILED' })
    await t.rejects(setup.apply(kept), { code: 'WORKER_FAILED' })
    const server = createServer().listen(port, '127.0.0.1')
    t.teardown(() => server.close())
    await t.resolves(once(server, 'listening'), 'the port is free')
  },
)

t.test('a new worker gets the whole plan', async t => {
  const [a, b] = await startNamedPods(t, 'a', 'b')
  const plane = new PoolUnderTest(t, 2)
  const web = makeListenerSpec({ endpoints: [a!.endpoint] })
  const dns = makeListenerSpec({
    key: 'IPv4/default/dns/UDP',
    protocol: 'UDP',
    endpoints: [await startUdpPod(t, 'udp pod')],
  })
  const [port, udp] = await plane.apply(web, dns)
  t.strictSame(await plane.apply({ ...web, endpoints: [b!.endpoint] }, dns), [port, udp])
  await plane.replace(0)
  // Now only the new worker can serve.
  plane.kill(1)
  t.equal(await readAnswer(port!), 'b')
  t.equal(await (await startUdpClient(t, udp!)).ask(), 'udp pod')
})

t.test('round robin is even over all workers', async t => {
  const names = ['a', 'b', 'c']
  const pods = await startNamedPods(t, ...names)
  const plane = new PoolUnderTest(t, 2)
  const [port] = await plane.apply(makeListenerSpec({ endpoints: pods.map(pod => pod.endpoint) }))
  const answers: string[] = []
  for (let round = 0; round < 10; round++)
    answers.push(...(await Promise.all(Array.from({ length: 10 }, () => readAnswer(port!)))))
  t.ok(imbalance(answers, names) <= 2, `${imbalance(answers, names)} apart`)
})

t.test('a client with affinity always gets its endpoint, also with several workers', async t => {
  const pods = await startNamedPods(t, 'a', 'b', 'c')
  const plane = new PoolUnderTest(t, 2)
  const endpoints = pods.map(pod => pod.endpoint)
  // First all workers share the listener, then one worker has to know all clients.
  await plane.apply(makeListenerSpec({ endpoints }))
  const [port] = await plane.apply(makeListenerSpec({ endpoints, affinityMs: 60_000 }))
  for (const client of ['127.0.0.2', '127.0.0.3', '127.0.0.4']) {
    const answers = await Promise.all(Array.from({ length: 12 }, () => readAnswer(port!, client)))
    t.strictSame([...new Set(answers)].length, 1, `${client}: ${answers.join(' ')}`)
  }
})

t.test('switching affinity on and off refuses no client', async t => {
  const [pod] = await startNamedPods(t, 'pod')
  const plane = new PoolUnderTest(t, 2)
  const [port] = await plane.apply(makeListenerSpec({ endpoints: [pod!.endpoint] }))
  let isOver = false
  const answers: string[] = []
  const clients = Array.from({ length: 3 }, async () => {
    while (!isOver) answers.push(await readAnswer(port!))
  })
  for (let round = 0; round < 10; round++) {
    const seen = answers.length
    await plane.apply(
      makeListenerSpec({ endpoints: [pod!.endpoint], affinityMs: round % 2 === 0 ? 60_000 : undefined }),
    )
    await waitUntil(() => answers.length > seen + 5, 'clients were served in the meantime')
  }
  isOver = true
  await Promise.all(clients)
  t.strictSame([...new Set(answers)], ['pod'])
})

t.test('the datagrams of one client are one flow', async t => {
  const plane = new PoolUnderTest(t, 2)
  const endpoints = await Promise.all(['a', 'b', 'c'].map(name => startUdpPod(t, name)))
  const dns = makeListenerSpec({ key: 'IPv4/default/dns/UDP', protocol: 'UDP', endpoints })
  const [port] = await plane.apply(dns)
  const clients = await Promise.all(Array.from({ length: 9 }, () => startUdpClient(t, port!)))
  const firsts = await Promise.all(clients.map(client => client.ask()))
  t.equal(imbalance(firsts, ['a', 'b', 'c']), 0)
  for (let round = 0; round < 5; round++)
    t.strictSame(await Promise.all(clients.map(client => client.ask())), firsts, 'always the same endpoint')
  // A new worker does not share the listener of another worker.
  const owner = assignListeners(makeListenerPlan(dns), [0, 1], true, NOTHING_ASSIGNED).owners.get('default/web')!
  await plane.replace(1 - owner)
  t.strictSame(await Promise.all(clients.map(client => client.ask())), firsts)
})

t.test('an applied change of endpoints has reached every worker', async t => {
  const [old, other] = await startNamedPods(t, 'old', 'new')
  const plane = new PoolUnderTest(t, 2)
  for (let round = 0; round < 5; round++) {
    const [port] = await plane.apply(makeListenerSpec({ endpoints: [old!.endpoint] }))
    t.strictSame([...new Set(await Promise.all(Array.from({ length: 10 }, () => readAnswer(port!))))], ['old'])
    await plane.apply(makeListenerSpec({ endpoints: [other!.endpoint] }))
    t.strictSame([...new Set(await Promise.all(Array.from({ length: 10 }, () => readAnswer(port!))))], ['new'])
  }
})

t.test(
  'without endpoints the kernel refuses clients, also after a worker was replaced, and the port stays the same',
  async t => {
    const [pod] = await startNamedPods(t, 'pod')
    const plane = new PoolUnderTest(t, 2)
    const [port] = await plane.apply(makeListenerSpec({ endpoints: [pod!.endpoint] }))
    await plane.apply(makeListenerSpec({ endpoints: [] }))
    t.equal(await readAnswer(port!), 'ECONNREFUSED')
    await plane.replace(0)
    t.equal(await readAnswer(port!), 'ECONNREFUSED')
    t.strictSame(await plane.apply(makeListenerSpec({ endpoints: [pod!.endpoint] })), [port])
    t.equal(await readAnswer(port!), 'pod')
  },
)

t.test('counters do not go backwards when a worker exits, and the restart is counted', async t => {
  const [pod] = await startNamedPods(t, 'pod')
  const plane = new PoolUnderTest(t, 2)
  const [port] = await plane.apply(makeListenerSpec({ endpoints: [pod!.endpoint] }))
  for (let i = 0; i < 20; i++) await readAnswer(port!)
  const connections = async () => (await plane.pool.counts()).listeners[0]!.traffic.connections
  t.equal(await connections(), 20)
  t.match((await plane.pool.counts()).workers, { running: 2, restarts: 0 })
  await plane.replace(0)
  await plane.replace(1)
  t.equal(await connections(), 20)
  t.match((await plane.pool.counts()).workers, { running: 2, restarts: 2 })
  await readAnswer(port!)
  t.equal(await connections(), 21)
})

t.test('the counts of a killed worker stay in the sum when the next worker counts more', async t => {
  const [pod] = await startNamedPods(t, 'pod')
  const plane = new PoolUnderTest(t, 1)
  const [port] = await plane.apply(makeListenerSpec({ endpoints: [pod!.endpoint] }))
  const connections = async () => (await plane.pool.counts()).listeners[0]!.traffic.connections
  for (let i = 0; i < 5; i++) await readAnswer(port!)
  t.equal(await connections(), 5)
  plane.kill(0)
  for (let i = 0; i < 10; i++) await readAnswer(port!)
  t.equal(await connections(), 15)
})

t.test('if workers bind their sockets themselves, the next worker opens the same ports', async t => {
  const [pod] = await startNamedPods(t, 'pod')
  const plane = new PoolUnderTest(t, 2, { passesSockets: false })
  const specs = ownedSpecs(2, { endpoints: [pod!.endpoint], affinityMs: 1000 })
  const ports = await plane.apply(...specs)
  await plane.replace(0)
  await waitUntil(async () => (await readAnswer(ports[0]!)) === 'pod', 'another worker serves it')
  t.equal(await readAnswer(ports[1]!), 'pod')
  t.strictSame(await plane.apply(...specs), ports)
})

t.test('a plan waits once for a hanging worker, and the other workers get it at once', async t => {
  const [old, other] = await startNamedPods(t, 'old', 'new')
  const clock = new ManualClock()
  const plane = new PoolUnderTest(t, 2, { clock })
  const [port] = await plane.apply(makeListenerSpec({ endpoints: [old!.endpoint] }))
  const [hung] = plane.pool.pids
  process.kill(hung!, 'SIGSTOP')
  const applied = plane.apply(makeListenerSpec({ endpoints: [other!.endpoint] }))
  await waitUntil(async () => (await readAnswer(port!)) === 'new', 'the other worker has the new endpoints')
  const isWaiting = Symbol('the plan waits')
  t.equal(await Promise.race([applied, Promise.resolve(isWaiting)]), isWaiting)
  clock.advanceSync(5000)
  t.strictSame(await applied, [port])
  t.strictSame(
    await plane.apply(makeListenerSpec({ endpoints: [old!.endpoint] })),
    [port],
    'the next plan does not wait again',
  )
  process.kill(hung!, 'SIGCONT')
  plane.kill(1)
  t.equal(await readAnswer(port!), 'old', 'the worker has applied all plans')
})

t.test('no worker serves a listener that one of them cannot open, until all can', async t => {
  const [pod] = await startNamedPods(t, 'pod')
  // 40 descriptors of each worker are usable, 30 of them for listeners.
  const plane = new PoolUnderTest(t, 2, { settings: { ...SETTINGS, descriptorLimit: 136 } })
  await waitUntil(async () => (await plane.pool.counts()).workers!.running === 2, 'both workers run')
  const endpoints = [pod!.endpoint]
  const full = specsOwnedBy(0, 2, 30, { endpoints, affinityMs: 60_000 })
  const port = probePort({ protocol: 'TCP', address: '127.0.0.1', port: 0 })
  const shared = makeListenerSpec({ key: 'IPv4/default/shared/TCP', service: 'shared', port, endpoints })
  await plane.apply(...full)
  for (let round = 0; round < 2; round++) {
    const { open, failed } = await plane.pool.apply(makeListenerPlan(...full, shared))
    t.strictSame(
      [...open.keys()],
      full.map(({ key }) => key),
    )
    t.match(failed, new Map([[shared.key, { code: 'DESCRIPTORS_EXHAUSTED' }]]))
    t.equal((await plane.pool.counts()).unserved, 1)
    t.equal(await readAnswer(port), 'ECONNREFUSED')
  }
  t.equal((await plane.apply(...full.slice(1), shared)).at(-1), port)
  for (let i = 0; i < 4; i++) t.equal(await readAnswer(port), 'pod')
})

t.test('a node port is held in both families, for TCP and UDP', async t => {
  const plane = new PoolUnderTest(t, 2)
  const port = probePort({ protocol: 'TCP', address: '0.0.0.0', port: 0 })
  const specs = (['TCP', 'UDP'] as const).flatMap(protocol =>
    ['0.0.0.0', '::'].map(address =>
      makeListenerSpec({ key: `${address}/${protocol}`, protocol, address, port, holdsNodePort: true, endpoints: [] }),
    ),
  )
  t.strictSame(await plane.apply(...specs), [port, port, port, port])
})

t.test('with many sockets, new workers inherit them and serve them like any others', async t => {
  const [pod] = await startNamedPods(t, 'pod')
  const udp = await startUdpPod(t, 'udp pod')
  const plane = new PoolUnderTest(t, 2)
  const changes = { endpoints: [pod!.endpoint] }
  const specs = [
    ...Array.from({ length: 350 }, (_, n) => makeListenerSpec({ key: `web-${n}`, ...changes })),
    ...Array.from({ length: 20 }, (_, n) =>
      makeListenerSpec({ key: `u-${n}`, service: `u-${n}`, protocol: 'UDP', endpoints: [udp] }),
    ),
  ]
  await plane.apply()
  const { pids } = plane.pool
  const ports = await plane.apply(...specs)
  t.equal(new Set(ports.slice(0, 350)).size, 350)
  t.notOk(
    plane.pool.pids.some(pid => pids.includes(pid)),
    'the processes are new ones',
  )
  t.match((await plane.pool.counts()).workers, { running: 2, restarts: 0 })
  // A few at a time, because the test's own process runs the clients and the Pods.
  const askAll = async (): Promise<string[]> => {
    const seen = new Set<string>()
    for (let n = 0; n < 350; n += 25)
      for (const answer of await Promise.all(ports.slice(n, n + 25).map(port => readAnswer(port)))) seen.add(answer)
    return [...seen]
  }
  const answers = async () => [
    await askAll(),
    await Promise.all(ports.slice(350).map(async port => (await startUdpClient(t, port)).ask())),
  ]
  const expected = [['pod'], Array.from({ length: 20 }, () => 'udp pod')]
  t.strictSame(await answers(), expected)
  await plane.replace(0)
  plane.kill(1)
  t.strictSame(await answers(), expected, 'the new process has all of them')
  await waitUntil(async () => (await plane.pool.counts()).workers?.running === 2, 'both workers run again')
  await plane.apply(...specs.map(one => ({ ...one, endpoints: [] })))
  t.strictSame(new Set(await Promise.all(ports.slice(0, 10).map(port => readAnswer(port)))), new Set(['ECONNREFUSED']))
})

t.test('a drain waits for the connections of all workers, and the workers exit', async t => {
  const pod = await startEchoPod(t)
  const plane = new PoolUnderTest(t, 2)
  const ports = await plane.apply(...ownedSpecs(2, { endpoints: [pod.endpoint], affinityMs: 60_000 }))
  const { pids } = plane.pool
  const sockets = await Promise.all(ports.map(port => openConnection(port)))
  const drained = plane.pool.drain(60_000)
  for (const port of ports)
    await waitUntil(async () => (await readAnswer(port)) === 'ECONNREFUSED', 'new clients are refused')
  for (const socket of sockets) {
    socket.end('last words')
    t.equal(String((await once(socket, 'data'))[0]), 'last words')
  }
  t.strictSame(await drained, { cutOff: 0, lostWorkers: 0 })
  for (const pid of pids) t.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
})

t.test('a drain also waits for the exit of workers that are not ready yet', async t => {
  const { pool } = new PoolUnderTest(t, 2)
  const { pids } = pool
  t.equal(pids.length, 2)
  t.strictSame(await pool.drain(60_000), { cutOff: 0, lostWorkers: 0 })
  for (const pid of pids) t.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
})

for (const [what, signal] of [
  ['ends', 'SIGKILL'],
  ['hangs', 'SIGSTOP'],
] as const)
  t.test(`a worker that ${what} while it drains is reported as lost; the connections of others continue`, async t => {
    const pod = await startEchoPod(t)
    const plane = new PoolUnderTest(t, 2)
    const ports = await plane.apply(...ownedSpecs(2, { endpoints: [pod.endpoint], affinityMs: 60_000 }))
    const { pids } = plane.pool
    const [lost, kept] = await Promise.all(ports.map(port => openConnection(port)))
    const closed = once(lost!, 'close')
    const drained = plane.pool.drain(60_000)
    process.kill(pids[0]!, signal)
    await closed
    kept!.end('last words')
    t.equal(String((await once(kept!, 'data'))[0]), 'last words')
    t.strictSame(await drained, { cutOff: 0, lostWorkers: 1 })
    for (const pid of pids) t.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
  })

t.test('a profile of a worker is made by the worker, and a worker that is not there has none', async t => {
  const { pool } = new PoolUnderTest(t, 1, { settings: { ...SETTINGS, profiling: true } })
  await waitUntil(async () => (await pool.counts()).workers!.running === 1, 'the worker runs')
  t.strictSame(pool.workerProfiles.workers, [0])
  const cpu = await pool.workerProfiles.take(0, { kind: 'cpu', durationMs: 50 })
  t.ok(cpu.kind === 'cpu' && cpu.profile.endTime - cpu.profile.startTime >= 50_000)
  const heap = await pool.workerProfiles.take(0, { kind: 'heap' })
  t.ok(heap.kind === 'heap' && heap.head.callFrame.functionName === '(root)')
  await t.rejects(pool.workerProfiles.take(1, { kind: 'heap' }), { code: 'WORKER_FAILED' })
  await pool.drain(0)
  await t.rejects(pool.workerProfiles.take(0, { kind: 'heap' }), { code: 'WORKER_FAILED' })
})

t.test('the counts name the process of each worker', async t => {
  const { pool } = new PoolUnderTest(t, 2)
  await waitUntil(async () => (await pool.counts()).workers!.running === 2, 'the workers run')
  const { processes } = (await pool.counts()).workers!
  t.strictSame(processes, [
    { worker: 0, pid: pool.pids[0] },
    { worker: 1, pid: pool.pids[1] },
  ])
})
