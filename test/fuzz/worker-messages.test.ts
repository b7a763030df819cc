import t from 'tap'
import { CounterAggregate } from '../../lib/workers/counter-aggregate.js'
import { parseWorkerMessage } from '../../lib/workers/parse-worker-message.js'
import { WorkerLink } from '../../lib/workers/worker-link.js'
import { type WorkerMessage } from '../../lib/workers/worker-messages.js'
import { ProxyFailure } from '../../lib/model/failure.js'
import { addToCorpus, readCorpus } from '../support/checks/corpus.js'
import { mutateValue } from '../support/checks/mutate-value.js'
import { seededRandom, testSeed } from '../support/checks/seeded-random.js'

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 3000)
const SEED = testSeed()
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
  const link = new WorkerLink(() => undefined, [])
  const request = link.requestCounts()
  link.handle(message)
  link.processEnded()
  const counts = await request
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

/** Throws what was taken wrongly. */
function check(isRight: boolean, found: string): void {
  if (!isRight) throw new Error(`Taken: ${found}`)
}
