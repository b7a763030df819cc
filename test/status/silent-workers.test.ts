import t, { type Test } from 'tap'
import { type InspectRequest } from '../../lib/dataplane/inspect-request.js'
import { DEFAULT_TIMINGS } from '../../lib/dataplane/data-plane-timings.js'
import { type ListenerView } from '../../lib/status/listener-view.js'
import { type ConnectionView } from '../../lib/status/connection-view.js'
import { connectionRoutes } from '../../lib/status/connection-routes.js'
import { LiveEvents } from '../../lib/status/live-events.js'
import { SocketPoll } from '../../lib/status/socket-poll.js'
import { type StatusDocument } from '../../lib/status/status-document.js'
import { type StatusSources } from '../../lib/status/status-sources.js'
import type { SyncHistory } from '../../lib/status/sync-history.js'
import { type Clock } from '../../lib/model/clock.js'
import { realClock } from '../../lib/system/real-clock.js'
import { WorkerPool } from '../../lib/workers/worker-pool.js'
import { ManualClock } from '../support/clock/manual-clock.js'
import { makeListenerPlan, makeListenerSpec, silentLog, waitUntil } from '../support/dataplane/plane-under-test.js'
import { makeServicePort } from '../support/model/make-service-port.js'
import { TcpPod, readAnswer, refusingEndpoint } from '../support/pods/tcp-pod.js'

/** How long the pool waits for a worker. */
const SILENCE_MS = 3000
const EVERYTHING = { namespace: undefined, service: undefined, client: undefined, pod: undefined, onlyFailures: false }

/** Two worker processes, and what answers about them are made from. */
async function startPool(
  t: Test,
  services: readonly string[],
  endpoints: readonly { ip: string; port: number }[],
  clock: Clock = realClock,
) {
  const settings = { verbosity: 0, timings: DEFAULT_TIMINGS, fastPath: 'auto', drainTimeout: 0, orphanTime: 0 } as const
  const pool = new WorkerPool({ workers: 2, settings, clock, log: silentLog })
  t.teardown(() => pool.drain(0))
  const running = async (): Promise<boolean> => (await pool.counts()).workers!.running === 2
  await waitUntil(running, 'both workers run')
  const specs = services.map(service => makeListenerSpec({ key: service, service, endpoints }))
  const { open } = await pool.apply(makeListenerPlan(...specs))
  const sources = {
    proxy: { proxyVersion: '1.2.3', mode: 'userspace', carriedBy: 'sockets' },
    snapshot: () => ({
      generation: 1,
      ports: new Map(services.map(name => [name, { servicePort: makeServicePort({ name }) }])),
    }),
    syncs: { syncs: [], subscribe: () => () => undefined } as Pick<SyncHistory, 'syncs' | 'subscribe'>,
    inspect: (request: InspectRequest) => pool.inspect(request),
    frontendsByListener: () => new Map(),
    wallTime: () => 0,
  } as unknown as StatusSources
  return { pool, sources, running, specs, ports: services.map(service => open.get(service)!) }
}

/** Stops a worker, and continues it. It is killed after some ten seconds otherwise. */
function stop(pool: WorkerPool, worker: number): () => void {
  const pid = pool.pids[worker]!
  process.kill(pid, 'SIGSTOP')
  return () => void process.kill(pid, 'SIGCONT')
}

/** Waits until so many connections have ended. */
async function waitForEnds(pool: WorkerPool, count: number): Promise<void> {
  const question = { what: 'ended', namespace: undefined, service: undefined, limit: 1000 } as const
  await waitUntil(async () => {
    const { processes } = await pool.inspect(question)
    return processes.reduce((sum, { rows }) => sum + rows.length, 0) === count
  }, `${count} connections have ended`)
}

async function answer<Item>(sources: StatusSources, name: string, search = ''): Promise<StatusDocument<Item>> {
  return (await connectionRoutes(sources).get(name)!(new URLSearchParams(search))) as StatusDocument<Item>
}

t.test('an answer says which workers have not replied', async t => {
  const { pool, sources } = await startPool(t, ['web'], [{ ip: '127.0.0.1', port: 9 }])
  const isComplete = async (): Promise<void> => {
    const { items, notes } = await answer<ListenerView>(sources, 'listeners')
    t.strictSame([items[0]!.processes.map(({ worker }) => worker), notes], [[0, 1], []])
  }
  await isComplete()
  const go = stop(pool, 1)
  const [listeners, connections] = await Promise.all([answer(sources, 'listeners'), answer(sources, 'connections')])
  t.match(listeners, { items: [{ processes: [{ worker: 0 }] }], notes: [/^Worker 1 has not replied: /] })
  t.equal((listeners.items as ListenerView[])[0]!.processes.length, 1)
  t.match(connections, { notes: [/^Worker 1 has not replied: /] })
  go()
  await isComplete()
})

t.test('times are those of the moment when each worker replied, although another one is silent', async t => {
  const pod = await TcpPod.startNamed(t, 'pod')
  const { pool, sources, ports } = await startPool(t, ['web'], [pod.endpoint])
  for (let client = 0; client < 40; client++) await readAnswer(ports[0]!)
  await waitForEnds(pool, 40)
  const go = stop(pool, 1)
  const withTime = { ...sources, wallTime: () => Date.now() }
  const { items } = await answer<ConnectionView>(withTime, 'ended-connections')
  const answeredAt = Date.now()
  go()
  t.ok(items.length > 0)
  // The silent worker was waited for longer than that.
  t.ok(items.every(({ endedAt }) => Date.parse(endedAt!) < answeredAt - SILENCE_MS / 2))
})

t.test('an answer says that a worker does not run', async t => {
  // With this clock, no other process takes its place.
  const { pool, sources } = await startPool(t, ['web'], [{ ip: '127.0.0.1', port: 9 }], new ManualClock())
  process.kill(pool.pids[0]!, 'SIGKILL')
  await waitUntil(() => pool.pids.length === 1, 'the worker has ended')
  t.match(await answer(sources, 'listeners'), {
    items: [{ processes: [{ worker: 1 }] }],
    notes: [/^Worker 0 has not replied: /],
  })
})

t.test('a cut answer has each listener with all its processes, whatever order these have', async t => {
  const { pool, sources, running, specs } = await startPool(t, ['c', 'd'], [{ ip: '127.0.0.1', port: 9 }])
  const [first, second] = ['a', 'b'].map(service => ({ ...specs[0]!, key: service, service }))
  const { pids } = pool
  await pool.apply(makeListenerPlan(first!, second!, ...specs))
  // The next process gets the plan in its order; the other one has had the first two for longer.
  process.kill(pids[0]!, 'SIGKILL')
  await waitUntil(async () => !pool.pids.includes(pids[0]!) && (await running()), 'the worker is replaced')
  const isComplete = async (): Promise<boolean> => {
    const { items } = await answer<ListenerView>(sources, 'listeners')
    return items.length === 4 && items.every(({ processes }) => processes.length === 2)
  }
  await waitUntil(isComplete, 'the new worker has its plan')
  const { items, notes } = await answer<ListenerView>(sources, 'listeners', 'limit=1')
  t.match(items, [{ service: 'a', processes: [{ worker: 0 }, { worker: 1 }] }])
  t.equal(items[0]!.processes.length, 2)
  t.match(notes, [/^These are the first 1 rows, and there are more/])
})

t.test('a worker that misses some questions says later what ended meanwhile, and nothing twice', async t => {
  const pod = await TcpPod.startNamed(t, 'pod')
  const refusing = await refusingEndpoint()
  const { pool, sources, ports } = await startPool(t, ['web'], [pod.endpoint, refusing])
  /** Sends clients until each worker has had one. */
  const use = async (): Promise<void> => {
    for (let client = 0; client < 40; client++) t.equal(await readAnswer(ports[0]!), 'pod')
  }
  await use()
  await waitForEnds(pool, 40)
  const poll = new SocketPoll(sources)
  const next = async () => {
    const { happened, ...news } = await poll.next([EVERYTHING])
    return { ...news, ended: happened.filter(({ view }) => view.what === 'ended').length }
  }
  const none = { ended: 0, isSampled: false, missing: [] }
  t.strictSame(await next(), none, 'nothing is new the first time')
  let used = 40
  /** The news of 40 clients. A machine on which these take over ten seconds is right to report a gap: others follow. */
  const newsOfUse = async () => {
    for (let round = 0; ; round++) {
      await use()
      used += 40
      await waitForEnds(pool, used)
      const news = await next()
      if (!news.isSampled || round === 5) return news
    }
  }
  t.strictSame(await newsOfUse(), { ...none, ended: 40 })
  const go = stop(pool, 1)
  t.match(await next(), { ended: 0, missing: [1] })
  go()
  t.match(await next(), { ended: 0, missing: [] }, 'what the worker had said before does not come again')
  t.strictSame(await newsOfUse(), { ...none, ended: 40 })
})

t.test('a worker that is silent at the first question has only news later', async t => {
  const pod = await TcpPod.startNamed(t, 'pod')
  const { pool, sources, ports } = await startPool(t, ['web'], [pod.endpoint])
  for (let client = 0; client < 40; client++) await readAnswer(ports[0]!)
  await waitForEnds(pool, 40)
  const go = stop(pool, 1)
  const poll = new SocketPoll(sources)
  t.match(await poll.next([EVERYTHING]), { missing: [1] })
  go()
  t.strictSame(await poll.next([EVERYTHING]), { happened: [], isSampled: false, missing: [] })
})

t.test('a gap in what a worker reports says that there was more', async t => {
  const listener = { key: 'k', namespace: 'default', service: 'web', portName: '', protocol: 'TCP' } as const
  const ofClient = { id: 1, msAgo: 1, client: '10.0.0.1', clientPort: 1, endpoint: '', next: '', why: '', tries: 1 }
  let reported: readonly number[] = []
  let pid = 5
  const asked: (number | undefined)[] = []
  const poll = new SocketPoll({
    wallTime: () => 0,
    inspect: ({ happenedAfter }) => {
      asked.push(happenedAfter?.get(5))
      const rows = reported.map(sequence => ({ listener, what: 'opened' as const, ...ofClient, sequence }))
      return Promise.resolve({ processes: [{ worker: 0, pid, rows }], missing: [] })
    },
  })
  for (const [sequences, isSampled] of [
    [[], false],
    [[1, 2], false],
    [[3, 5], true],
    [[], false],
    [[6], false],
    [[8], true],
  ] as const) {
    reported = sequences
    t.equal((await poll.next([EVERYTHING])).isSampled, isSampled, String(sequences))
  }
  t.strictSame(asked, [undefined, 0, 2, 5, 5, 6])
  reported = []
  pid = 6
  t.equal((await poll.next([EVERYTHING])).isSampled, true, 'another process in its place has remembered nothing so far')
  t.equal((await poll.next([EVERYTHING])).isSampled, false)
})

t.test('a client that watches learns that a worker has not replied', async t => {
  const { pool, sources } = await startPool(t, ['web'], [{ ip: '127.0.0.1', port: 9 }])
  stop(pool, 1)
  const problem = await new Promise<string>(resolve => {
    t.teardown(new LiveEvents(sources, () => () => undefined).stream(new URLSearchParams(), resolve))
  })
  t.match(problem, /^event: problem\ndata: \{"message":"Worker 1 has not replied: .*"\}\n\n$/)
})

t.test('memory counts more than speed from the first client that watches to the end of the last one', async t => {
  const { sources } = await startPool(t, ['web'], [{ ip: '127.0.0.1', port: 9 }])
  const seen: string[] = []
  const { stream } = new LiveEvents(sources, () => {
    seen.push('begins')
    return () => seen.push('ends')
  })
  const watch = () => stream(new URLSearchParams(), () => undefined)
  const ends = [watch(), watch()]
  t.strictSame(seen, ['begins'])
  ends[0]!()
  t.strictSame(seen, ['begins'])
  ends[1]!()
  t.strictSame(seen, ['begins', 'ends'])
  watch()()
  t.strictSame(seen, ['begins', 'ends', 'begins', 'ends'])
})

t.test('a client that watches learns of a problem once, until it is another one', async t => {
  const answers = [[1], [1], [1, 2], [], [1]]
  const sources = {
    proxy: { proxyVersion: '1.2.3', mode: 'userspace', carriedBy: 'sockets' },
    snapshot: () => ({ generation: 1, ports: new Map() }),
    syncs: { syncs: [], subscribe: () => () => undefined },
    inspect: () => Promise.resolve({ processes: [], missing: answers.shift() ?? [1] }),
    wallTime: () => 0,
  } as unknown as StatusSources
  const reports: string[] = []
  const stop = new LiveEvents(sources, () => () => undefined).stream(new URLSearchParams(), text => {
    if (text.startsWith('event: problem')) reports.push(/Workers? [\d, and]*\d/.exec(text)![0])
  })
  t.teardown(stop)
  await waitUntil(() => answers.length === 0 && reports.length >= 3, 'all answers are reported')
  t.equal(reports.length, 3, reports.join('; '))
})
