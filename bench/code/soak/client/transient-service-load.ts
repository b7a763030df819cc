import { setTimeout } from 'node:timers/promises'
import { type BenchService } from '../../testbed/bench-service.js'
import { echoOnce } from './echo-once.js'
import { EchoConnection } from './echo-connection.js'
import { UdpEchoClient } from './udp-echo-client.js'
import { RepeatedTasks } from './repeated-task.js'
import { type TallyRecorder } from './tally.js'

/** How long a Service may take to be served, or to be refused, in milliseconds: rules are written once in a second at most. */
const EFFECT_TIMEOUT_MS = 20_000
const ATTEMPT_TIMEOUT_MS = 1000
const PAUSE_MS = 100
const REQUEST = Buffer.from('still there?\n')

type TransientKind = 'temporary' | 'emptied'

interface ServiceLoad {
  readonly tasks: RepeatedTasks
  /** Opened while the Service was there, for what comes after. */
  readonly openConnection: EchoConnection | undefined
}

/** Asks Services that are not there all the time, while they are there. */
export class TransientServiceLoad {
  readonly #tallies: TallyRecorder
  readonly #loads = new Map<string, ServiceLoad>()

  constructor(book: TallyRecorder) {
    this.#tallies = book
  }

  /**
   * Waits until a Service is served and asks it from then on.
   * @param answeredAs what the Pods call it
   */
  async startService(kind: TransientKind, service: BenchService, answeredAs: string): Promise<void> {
    if (!(await this.#tallies.count(kind, () => waitUntilServed(service, answeredAs)))) return
    const rounds = new RepeatedTasks()
    rounds.start({
      pauseMs: PAUSE_MS,
      runOnce: async () => {
        await this.#tallies.count(kind, async () => {
          this.#tallies.tallies[kind].retries += await requestOnce(service, answeredAs, true)
        })
      },
    })
    let outliving: EchoConnection | undefined
    if (kind === 'temporary' && service.protocol === 'TCP')
      await this.#tallies.count(kind, async () => {
        outliving = await EchoConnection.open(service, { expectedName: answeredAs })
        await outliving.echo(REQUEST)
      })
    this.#loads.set(service.name, { tasks: rounds, openConnection: outliving })
  }

  /** Asks no more. Resolves when the last answer is there: from then on the Service may go. */
  async stopService({ name }: BenchService): Promise<void> {
    await this.#loads.get(name)?.tasks.stop()
  }

  /** The Service is gone for some time: the connection that was opened before must still be there. */
  async checkRemovedService({ name }: BenchService): Promise<void> {
    const outliving = this.#loads.get(name)?.openConnection
    this.#loads.delete(name)
    if (outliving === undefined) return
    await this.#tallies.count('connections-of-removed', async () => {
      await outliving.echo(REQUEST)
      await outliving.end()
    })
    outliving.destroy()
  }

  /** The Service has no endpoint: clients must come to be refused. */
  async waitUntilRefused(service: BenchService): Promise<void> {
    this.#loads.delete(service.name)
    await this.#tallies.count('refused', () =>
      retryUntilTimeout(async () => {
        const code = await requestOnce(service, service.name).then(
          () => 'an answer',
          (error: NodeJS.ErrnoException) => error.code,
        )
        if (code !== 'ECONNREFUSED') throw new Error(`${code} instead of a refusal`)
      }, 'is not refused'),
    )
  }
}

/** Resolves when a Service answers. @throws Error when it does not in `EFFECT_MS` @param answeredAs what the Pods call it */
export function waitUntilServed(service: BenchService, answeredAs = service.name): Promise<void> {
  return retryUntilTimeout(() => requestOnce(service, answeredAs), 'is not served')
}

/** @param patient whether answers may be slow @returns how often it had to be asked again */
async function requestOnce(service: BenchService, answeredAs: string, patient = false): Promise<number> {
  if (service.protocol === 'TCP') {
    await echoOnce(service, { expectedName: answeredAs, ...(patient ? {} : { timeoutMs: ATTEMPT_TIMEOUT_MS }) })
    return 0
  }
  const port = await UdpEchoClient.open(service, answeredAs)
  try {
    return await port.echo(...(patient ? [] : [1]))
  } finally {
    port.close()
  }
}

/** Tries until it works. @throws Error when it has not in `EFFECT_MS` */
async function retryUntilTimeout(attempt: () => Promise<unknown>, what: string): Promise<void> {
  const limit = performance.now() + EFFECT_TIMEOUT_MS
  for (;;) {
    try {
      await attempt()
      return
    } catch (error) {
      if (performance.now() > limit) throw new Error(`${what} after ${EFFECT_TIMEOUT_MS} ms`, { cause: error })
    }
    await setTimeout(PAUSE_MS)
  }
}
