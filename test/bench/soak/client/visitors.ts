import { setTimeout } from 'node:timers/promises'
import { type BenchService } from '../../site/bench-service.js'
import { briefConnection } from './brief-connection.js'
import { EchoConnection } from './echo-connection.js'
import { EchoPort } from './echo-port.js'
import { Rounds } from './round.js'
import { type TallyBook } from './tally.js'

/** How long a Service may take to be served, or to be refused, in milliseconds: rules are written once in a second at most. */
const EFFECT_MS = 20_000
const ATTEMPT_MS = 1000
const PAUSE_MS = 100
const REQUEST = Buffer.from('still there?\n')

type Kind = 'passing' | 'hollow'

interface Visit {
  readonly rounds: Rounds
  /** Opened while the Service was there, for what comes after. */
  readonly outliving: EchoConnection | undefined
}

/** Asks Services that are not there all the time, while they are there. */
export class Visitors {
  readonly #book: TallyBook
  readonly #visits = new Map<string, Visit>()

  constructor(book: TallyBook) {
    this.#book = book
  }

  /**
   * Waits until a Service is served and asks it from then on.
   * @param answeredAs what the Pods call it
   */
  async visit(kind: Kind, service: BenchService, answeredAs: string): Promise<void> {
    if (!(await this.#book.count(kind, () => served(service, answeredAs)))) return
    const rounds = new Rounds()
    rounds.start({
      pauseMs: PAUSE_MS,
      turn: async () => {
        await this.#book.count(kind, async () => {
          this.#book.tallies[kind].again += await askOnce(service, answeredAs, true)
        })
      },
    })
    let outliving: EchoConnection | undefined
    if (kind === 'passing' && service.protocol === 'TCP')
      await this.#book.count(kind, async () => {
        outliving = await EchoConnection.open(service, { answeredAs })
        await outliving.echo(REQUEST)
      })
    this.#visits.set(service.name, { rounds, outliving })
  }

  /** Asks no more. Resolves when the last answer is there: from then on the Service may go. */
  async leave({ name }: BenchService): Promise<void> {
    await this.#visits.get(name)?.rounds.stop()
  }

  /** The Service is gone for some time: the connection that was opened before must still be there. */
  async outlive({ name }: BenchService): Promise<void> {
    const outliving = this.#visits.get(name)?.outliving
    this.#visits.delete(name)
    if (outliving === undefined) return
    await this.#book.count('outliving', async () => {
      await outliving.echo(REQUEST)
      await outliving.end()
    })
    outliving.destroy()
  }

  /** The Service has no endpoint: clients must come to be refused. */
  async beRefused(service: BenchService): Promise<void> {
    this.#visits.delete(service.name)
    await this.#book.count('refused', () =>
      inTime(async () => {
        const code = await askOnce(service, service.name).then(
          () => 'an answer',
          (error: NodeJS.ErrnoException) => error.code,
        )
        if (code !== 'ECONNREFUSED') throw new Error(`${code} instead of a refusal`)
      }, 'is not refused'),
    )
  }
}

/** Resolves when a Service answers. @throws Error when it does not in `EFFECT_MS` @param answeredAs what the Pods call it */
export function served(service: BenchService, answeredAs = service.name): Promise<void> {
  return inTime(() => askOnce(service, answeredAs), 'is not served')
}

/** @param patient whether answers may be slow @returns how often it had to be asked again */
async function askOnce(service: BenchService, answeredAs: string, patient = false): Promise<number> {
  if (service.protocol === 'TCP') {
    await briefConnection(service, { answeredAs, ...(patient ? {} : { patienceMs: ATTEMPT_MS }) })
    return 0
  }
  const port = await EchoPort.open(service, answeredAs)
  try {
    return await port.ask(...(patient ? [] : [1]))
  } finally {
    port.close()
  }
}

/** Tries until it works. @throws Error when it has not in `EFFECT_MS` */
async function inTime(attempt: () => Promise<unknown>, what: string): Promise<void> {
  const limit = performance.now() + EFFECT_MS
  for (;;) {
    try {
      await attempt()
      return
    } catch (error) {
      if (performance.now() > limit) throw new Error(`${what} after ${EFFECT_MS} ms`, { cause: error })
    }
    await setTimeout(PAUSE_MS)
  }
}
