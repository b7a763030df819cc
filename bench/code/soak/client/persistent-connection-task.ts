import { type BenchService } from '../../testbed/bench-service.js'
import { EchoConnection } from './echo-connection.js'
import { type RepeatedTask } from './repeated-task.js'
import { type LoadKind, type TallyRecorder } from './tally.js'

export interface PersistentConnectionOptions {
  readonly pauseMs: number
  /** What is sent each time. */
  readonly payload: Buffer
  /** How often it is sent before another connection is taken; Infinity: it is the same for as long as the soak is. */
  readonly maxRequests: number
}

/** A connection that stays, also when its endpoint is taken away, and is asked from time to time. */
export class PersistentConnectionTask implements RepeatedTask {
  readonly #options: PersistentConnectionOptions
  readonly #service: BenchService
  readonly #kind: LoadKind
  readonly #tallies: TallyRecorder
  #connection: EchoConnection | undefined
  #requests = 0

  constructor(service: BenchService, of: LoadKind, book: TallyRecorder, options: PersistentConnectionOptions) {
    this.#service = service
    this.#kind = of
    this.#tallies = book
    this.#options = options
  }

  get pauseMs(): number {
    return this.#options.pauseMs
  }

  async runOnce(): Promise<void> {
    const isWell = await this.#tallies.count(this.#kind, async () => {
      this.#connection ??= await EchoConnection.open(this.#service)
      await this.#connection.echo(this.#options.payload)
    })
    if (!isWell) {
      this.#connection?.destroy()
      this.#connection = undefined
    } else if (++this.#requests % this.#options.maxRequests === 0) await this.end()
  }

  async end(): Promise<void> {
    const connection = this.#connection
    this.#connection = undefined
    await connection?.end().catch((error: Error) => this.#tallies.recordFailure(this.#kind, error))
  }
}
