import t from 'tap'
import { type Budgets, zeroTrafficCounts } from '../../lib/dataplane/data-plane.js'
import { WorkerLink } from '../../lib/workers/worker-link.js'
import { type WorkerCommand, type WorkerMessage } from '../../lib/workers/worker-messages.js'

const BUDGETS = {} as Budgets

function partOf(id: number, key: string, connections: number, isLast: boolean): WorkerMessage {
  const traffic = [[key, { ...zeroTrafficCounts(), connections }]] as const
  return { kind: 'counts', id, traffic, budgets: BUDGETS, isLast }
}

void t.test('Replies to two requests for counts are both complete, also if their parts alternate', async t => {
  const sent: WorkerCommand[] = []
  const link = new WorkerLink(command => sent.push(command), [])
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
