import { setTimeout } from 'node:timers/promises'
import { type BenchService } from '../../testbed/bench-service.js'
import { echoOnce } from './echo-once.js'
import { EchoConnection } from './echo-connection.js'
import { UdpEchoClient } from './udp-echo-client.js'
import { RepeatedTasks } from './repeated-task.js'
import { type TallyRecorder } from './tally.js'

/** Time limit until a Service is served or refused, in milliseconds: the proxy writes rules at most once per second. */
const EFFECT_TIMEOUT_MS = 20_000
const ATTEMPT_TIMEOUT_MS = 1000
const PAUSE_MS = 100
const REQUEST = Buffer.from('still there?\n')

type TransientKind = 'temporary' | 'emptied'

interface ServiceLoad {
  readonly tasks: RepeatedTasks
  /** Opened while the Service exists, to check it after the deletion. */
  readonly openConnection: EchoConnection | undefined
}

/** The load on temporary Services while they exist. */
export class TransientServiceLoad {
  readonly #tallies: TallyRecorder
  readonly #loads = new Map<string, ServiceLoad>()

  constructor(book: TallyRecorder) {
    this.#tallies = book
  }

  /**
   * Waits until a Service is served and puts load on it.
   * @param answeredAs the name with which Pods answer
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

  /** Ends the load. Resolves after the last answer: then the Service can be deleted. */
  async stopService({ name }: BenchService): Promise<void> {
    await this.#loads.get(name)?.tasks.stop()
  }

  /** After the deletion of the Service: checks that the earlier connection still works. */
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

  /** The Service has no endpoint: waits until clients are refused. */
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

/** Resolves when a Service answers. @throws Error if it does not within `EFFECT_MS` @param answeredAs the name with which Pods answer */
export function waitUntilServed(service: BenchService, answeredAs = service.name): Promise<void> {
  return retryUntilTimeout(() => requestOnce(service, answeredAs), 'is not served')
}

/** @param patient whether answers may be slow @returns the number of repeated requests */
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

/** Tries until it works. @throws Error if it does not within `EFFECT_MS` */
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
