import t from 'tap'
import { type Budgets, zeroTrafficCounts } from '../../lib/dataplane/data-plane.js'
import { WorkerLink } from '../../lib/workers/worker-link.js'
import { type InspectRequest } from '../../lib/dataplane/inspect-request.js'
import { ManualClock } from '../support/clock/manual-clock.js'
import { type WorkerCommand, type WorkerMessage } from '../../lib/workers/worker-messages.js'

const BUDGETS = {} as Budgets

function partOf(id: number, key: string, connections: number, isLast: boolean): WorkerMessage {
  const traffic = [[key, { ...zeroTrafficCounts(), connections }]] as const
  return { kind: 'counts', id, traffic, budgets: BUDGETS, isLast }
}

void t.test('Replies to two requests for counts are both complete, also if their parts alternate', async t => {
  const sent: WorkerCommand[] = []
  const link = new WorkerLink(command => sent.push(command), [], new ManualClock())
  const [first, second] = [link.requestCounts(), link.requestCounts()]
  const [one, two] = sent.map(command => (command.kind === 'count' ? command.id : NaN)) as [number, number]
  link.handle(partOf(one, 'a', 1, false))
  link.handle(partOf(two, 'a', 2, false))
  link.handle(partOf(one, 'b', 3, true))
  link.handle(partOf(two, 'b', 4, true))
  const connectionsIn = (counts: Awaited<typeof first>) =>
    [...counts!.traffic].map(([key, { connections }]) => `${key} ${connections}`)
  t.same(connectionsIn(await first), ['a 1', 'b 3'])
  t.same(connectionsIn(await second), ['a 2', 'b 4'])
})

const REQUEST: InspectRequest = { what: 'affinity', namespace: undefined, service: undefined, limit: 10 }

function rowsOf(id: number, client: string, isLast: boolean, what: InspectRequest['what'] = 'affinity'): WorkerMessage {
  const listener = { key: 'a', namespace: 'default', service: 'a', portName: '', protocol: 'TCP' } as const
  const rows = client === '' ? [] : [{ listener, client, endpoint: '10.244.0.5:80', leftMs: 1 }]
  return { kind: 'inspected', id, answer: { what, rows }, isLast }
}

/** A link, and the ids of the inspect commands that it has sent. */
function linkWithIds() {
  const ids: number[] = []
  const clock = new ManualClock()
  const link = new WorkerLink(command => command.kind === 'inspect' && ids.push(command.id), [], clock)
  const clientsIn = (parts: Awaited<ReturnType<typeof link.inspect>>) =>
    parts?.flatMap(({ rows }) => rows.map(row => ('client' in row ? row.client : '')))
  /** All promises that can be settled are. */
  const settle = () => new Promise(resolve => setImmediate(resolve))
  return { link, clock, ids, clientsIn, settle }
}

void t.test('A worker gets one inspect command at a time, and none that nothing waits for any more', async t => {
  const { link, ids, clientsIn, settle } = linkWithIds()
  const first = link.inspect(REQUEST)
  const givenUp = link.inspect(REQUEST, () => false)
  const last = link.inspect(REQUEST)
  await settle()
  t.equal(ids.length, 1)
  link.handle(rowsOf(ids[0]!, 'x', false))
  link.handle(rowsOf(ids[0]!, 'y', true))
  t.same(clientsIn(await first), ['x', 'y'])
  t.equal(await givenUp, undefined)
  await settle()
  t.equal(ids.length, 2)
  link.processEnded()
  t.equal(await last, undefined)
  t.equal(await link.inspect(REQUEST), undefined)
})

void t.test('Rows with an unknown number, or of another kind, are in no answer', async t => {
  const { link, ids, clientsIn, settle } = linkWithIds()
  link.handle(rowsOf(1, 'early', false))
  const reply = link.inspect(REQUEST)
  await settle()
  const [id] = ids as [number]
  link.handle(rowsOf(id + 1, 'unknown', false))
  link.handle(rowsOf(id, 'other kind', false, 'ended'))
  t.equal(link.partsOfRows, 0, 'nor do they count as a sign of life')
  link.handle(rowsOf(id, 'right', true))
  t.same(clientsIn(await reply), ['right'])
  link.handle(rowsOf(id, 'late', true))
  t.equal(link.partsOfRows, 1)
})

void t.test('Each part of a reply has the time when it came', async t => {
  const { link, clock, ids, settle } = linkWithIds()
  const reply = link.inspect(REQUEST)
  await settle()
  const [id] = ids as [number]
  link.handle(rowsOf(id, 'early', false))
  clock.advanceSync(1500)
  link.handle(rowsOf(id, 'late', false))
  clock.advanceSync(200)
  link.handle(rowsOf(id, '', true))
  t.match(await reply, [
    { rows: [{ client: 'early' }], at: 0 },
    { rows: [{ client: 'late' }], at: 1500 },
  ])
})
