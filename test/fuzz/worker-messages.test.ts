import t from 'tap'
import {
  type InspectedEndpoint,
  type InspectedProcess,
  type InspectedRow,
} from '../../lib/dataplane/inspect-request.js'
import { ageRows } from '../../lib/dataplane/age-rows.js'
import { affinityViews } from '../../lib/status/affinity-view.js'
import { connectionViews } from '../../lib/status/connection-view.js'
import { endpointStates } from '../../lib/status/endpoint-state.js'
import { listenerViews } from '../../lib/status/listener-view.js'
import { SocketPoll } from '../../lib/status/socket-poll.js'
import { CounterAggregate } from '../../lib/workers/counter-aggregate.js'
import { parseWorkerMessage } from '../../lib/workers/parse-worker-message.js'
import { WorkerLink } from '../../lib/workers/worker-link.js'
import { type WorkerMessage } from '../../lib/workers/worker-messages.js'
import { ProxyFailure } from '../../lib/model/failure.js'
import { ManualClock } from '../support/clock/manual-clock.js'
import { addToCorpus, readCorpus } from '../support/checks/corpus.js'
import { eventMistakes } from '../support/status/schema-mistakes.js'
import { mutateValue } from '../support/checks/mutate-value.js'
import { seededRandom, testSeed } from '../support/checks/seeded-random.js'

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 3000)
const SEED = testSeed()
/** How long after the message its rows are used, in milliseconds. */
const AGED_MS = 1500
const CORPUS = 'worker-message'

t.test(`No message of a worker harms the control process, whatever it contains (SEED=${SEED})`, async t => {
  const random = seededRandom(SEED)
  const corpus = readCorpus(CORPUS).map(text => JSON.parse(text) as unknown)
  for (const message of corpus) t.ok(await isTaken(message), JSON.stringify(message).slice(0, 40))
  let taken = 0
  for (let run = 0; run < RUNS; run++) {
    const message = mutateValue(corpus[run % corpus.length], random)
    try {
      if (await isTaken(message)) taken++
    } catch (error) {
      t.fail(`${String(error)}; the input is in ${addToCorpus(CORPUS, JSON.stringify(message))}`)
      return
    }
  }
  t.ok(taken > 0 && taken < RUNS, `${taken} of ${RUNS} were taken`)
})

/** Gives a message to all that uses it. @returns whether it was taken for one of a worker */
async function isTaken(value: unknown): Promise<boolean> {
  let message: WorkerMessage
  try {
    message = parseWorkerMessage(value)
  } catch (error) {
    if (error instanceof ProxyFailure) return false
    throw error
  }
  const link = new WorkerLink(() => undefined, [], new ManualClock())
  const what = message.kind === 'inspected' ? message.answer.what : 'listeners'
  const request = link.requestCounts()
  const inspection = link.inspect({ what, namespace: undefined, service: undefined, limit: 10 })
  // The command is sent when the earlier ones have ended.
  await Promise.resolve()
  link.handle(message)
  link.processEnded()
  const counts = await request
  const parts = await inspection
  if (parts !== undefined) await useRows(what, ageRows(parts, AGED_MS))
  const total = new CounterAggregate()
  if (counts !== undefined) {
    total.update(0, counts)
    total.removeWorker(0)
  }
  for (const counted of [total.getBudgets(), ...total.getTraffic().values()])
    check(!JSON.stringify(counted).includes('null'), 'a sum that is no number')
  if (message.kind === 'report') {
    for (const [key, port] of message.opened)
      check(
        typeof key === 'string' && Number.isInteger(port) && port > 0 && port < 65_536,
        `the port ${port} of ${key}`,
      )
    for (const failure of message.failed) check(typeof failure.message === 'string', 'a failure without a message')
  }
  return true
}

/** Makes all answers and events of which rows are a part. */
async function useRows(what: string, rows: readonly InspectedRow[]): Promise<void> {
  const processes: readonly InspectedProcess[] = [{ worker: 0, pid: 1, rows }]
  const add = (definition: string, all: readonly unknown[]): void => {
    for (const mistakes of all.map(one => eventMistakes(one, definition)))
      check(mistakes.length === 0, mistakes.join('; '))
  }
  if (what === 'listeners') add('Listener', listenerViews(processes, new Map()))
  else if (what === 'affinity') add('Affinity', affinityViews(processes, 0))
  else if (what === 'connections' || what === 'ended') add('Connection', connectionViews(processes, 0))
  else if (what === 'endpoints') checkStates(processes)
  const poll = new SocketPoll({
    inspect: request => Promise.resolve({ processes: request.what === what ? processes : [], missing: [] }),
    wallTime: () => 0,
  })
  const { happened, isSampled } = await poll.next([])
  add('HappeningsEvent', [{ items: happened.map(({ view }) => view), isSampled }])
}

function checkStates(processes: readonly InspectedProcess[]): void {
  const stateOf = endpointStates(processes)
  for (const { listener, address } of processes[0]!.rows as readonly InspectedEndpoint[])
    check(
      Number.isSafeInteger(stateOf({ ...listener, name: listener.service }, address)?.open),
      'no number of connections',
    )
}

/** Throws what was taken wrongly. */
function check(isRight: boolean, found: string): void {
  if (!isRight) throw new Error(`Taken: ${found}`)
}
