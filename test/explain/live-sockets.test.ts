import t from 'tap'
import { type InspectRequest, type InspectedRow, type Inspection } from '../../lib/dataplane/inspect-request.js'
import { LiveSockets } from '../../lib/explain/live-sockets.js'
import { makeListenerSpec } from '../support/dataplane/plane-under-test.js'
import { makeServicePort } from '../support/model/make-service-port.js'

const CLIENT = '10.244.0.2'
const spec = makeListenerSpec({
  endpoints: [5, 6, 7].map(n => ({ ip: `10.244.0.${n}`, port: 80 })),
})
const { key, namespace, service, portName, protocol } = spec
const listener = { key, namespace, service, portName, protocol }
const address = (n: number): string => `10.244.0.${n}:80`

interface Process {
  readonly isListening?: boolean
  readonly ejected?: readonly number[]
  readonly next?: number
  readonly keeps?: Readonly<Record<string, readonly [n: number, leftMs: number]>>
}

/** What the workers of a proxy say. */
async function askWorkers(workers: readonly Process[], missing: readonly number[] = []): Promise<LiveSockets> {
  const rowsOf = (what: InspectRequest['what'], process: Process): InspectedRow[] => {
    const { isListening = true, ejected = [], next, keeps = {} } = process
    if (what === 'listeners')
      return [{ listener, address: '192.168.50.1', port: 40_000, holdsNodePort: false, isListening, active: 2 }]
    if (what === 'affinity')
      return Object.entries(keeps).map(([client, [n, leftMs]]) => ({ listener, client, endpoint: address(n), leftMs }))
    return [5, 6, 7].map(n => ({
      ...{ listener, address: address(n), open: 1, isNext: n === next },
      ...(ejected.includes(n) ? { ejectedForMs: 1500, ejectedMsAgo: 500 } : { ejectedForMs: 0, ejectedMsAgo: 0 }),
    }))
  }
  const inspect = ({ what }: InspectRequest): Promise<Inspection> => {
    const processes = workers.map((process, worker) => ({ worker, pid: 100 + worker, rows: rowsOf(what, process) }))
    return Promise.resolve({ processes, missing })
  }
  return (await LiveSockets.ask(inspect, makeServicePort({ name: service }), CLIENT))!
}

/** `5: 50%, 6: 50%` */
function sharesOf(sockets: LiveSockets): string {
  const shares = sockets.shares(spec, sockets.kept(spec, CLIENT))
  return [...shares].map(([at, share]) => `${at.slice(9, 10)}: ${Math.round(share * 100)}%`).join(', ')
}

t.test('each process gives no clients to what is ejected there; any of them may accept a client', async t => {
  const table: readonly (readonly [what: string, workers: readonly Process[], shares: string])[] = [
    ['nothing is ejected', [{}, {}], '5: 33%, 6: 33%, 7: 33%'],
    ['one is ejected everywhere', [{ ejected: [5] }, { ejected: [5] }], '6: 50%, 7: 50%'],
    ['one is ejected in one of two', [{ ejected: [5] }, {}], '6: 42%, 7: 42%, 5: 17%'],
    [
      'all are ejected in one of two: it uses all',
      [{ ejected: [5, 6, 7] }, { ejected: [5, 6] }],
      '5: 17%, 6: 17%, 7: 67%',
    ],
    ['a socket that is closed accepts no client', [{ isListening: false }, { ejected: [5, 6] }], '7: 100%'],
    ['no process has the socket', [], '5: 33%, 6: 33%, 7: 33%'],
    ['the client keeps one, also if it is ejected', [{ ejected: [5], keeps: { [CLIENT]: [5, 900] } }], '5: 100%'],
    ['another client keeps one', [{ keeps: { '10.244.0.3': [5, 900] } }], '5: 33%, 6: 33%, 7: 33%'],
    ['what it keeps has left', [{ keeps: { [CLIENT]: [9, 900] } }], '5: 33%, 6: 33%, 7: 33%'],
  ]
  for (const [what, workers, shares] of table) t.equal(sharesOf(await askWorkers(workers)), shares, what)
})

t.test('what is kept, ejected and next is known, and which workers have not replied', async t => {
  const workers = [
    { next: 6, keeps: { [CLIENT]: [5, 100] as const } },
    { ejected: [7], next: 5, keeps: { [CLIENT]: [6, 200] as const } },
  ]
  const sockets = await askWorkers(workers, [2])
  t.strictSame(sockets.missing, [2])
  t.match(sockets.kept(spec, CLIENT), { endpoint: address(6), leftMs: 200 }, 'the latest')
  t.equal(sockets.kept(spec, '10.244.0.3'), undefined, 'only the client that was asked about')
  t.strictSame(sockets.candidate(spec, address(5)), { open: 2, ejected: [], nextIn: [1] })
  t.strictSame(sockets.candidate(spec, address(7)), {
    open: 2,
    ejected: [{ worker: 1, msAgo: 500, forMs: 1500 }],
    nextIn: [],
  })
  t.match(sockets.processes(spec), [
    { worker: 0, pid: 100, isListening: true, open: 2 },
    { worker: 1, pid: 101 },
  ])
})

t.test('without sockets there is nothing to ask', async t => {
  const port = makeServicePort({ name: service })
  t.equal(await LiveSockets.ask(() => undefined, port, CLIENT), undefined)
  const sctp = makeServicePort({ name: service, protocol: 'SCTP' })
  const asked = (): never => {
    throw new Error('asked')
  }
  t.equal(await LiveSockets.ask(asked, sctp, CLIENT), undefined)
})

t.test('a Service with many endpoints and listeners takes no more looks than it has rows', t => {
  const [workers, listeners, endpoints] = [4, 20, 500]
  let looks = 0
  const keys = Array.from({ length: listeners }, (_, index) => `${key}-${index}`)
  const many = Array.from({ length: endpoints }, (_, n) => ({ ip: `10.244.${n >> 8}.${n & 255}`, port: 80 }))
  const answer = (rows: readonly InspectedRow[]): Inspection => ({
    processes: Array.from({ length: workers }, (_, worker) => ({ worker, pid: 100 + worker, rows })),
    missing: [],
  })
  const open = { address: '192.168.50.1', port: 40_000, holdsNodePort: false, isListening: true, active: 2 }
  const rows = keys.flatMap(own =>
    many.map(({ ip }, n) => ({
      get listener() {
        looks++
        return { ...listener, key: own }
      },
      get address() {
        looks++
        return `${ip}:80`
      },
      ...{ open: 1, ejectedForMs: 0, ejectedMsAgo: 0, isNext: n === 0 },
    })),
  )
  const asked = keys.map(own => ({ listener: { ...listener, key: own }, ...open }))
  const sockets = new LiveSockets(answer(asked), answer(rows), answer([]))
  for (const own of keys) {
    const ofListener = { ...spec, key: own, endpoints: many }
    t.ok(many.every(({ ip }) => sockets.candidate(ofListener, `${ip}:80`).open === workers))
    t.equal(sockets.shares(ofListener, undefined).size, endpoints)
    t.equal(sockets.next(ofListener).length, workers)
  }
  t.ok(looks <= 4 * workers * rows.length, `${looks} looks at ${workers * rows.length} rows`)
  t.end()
})
