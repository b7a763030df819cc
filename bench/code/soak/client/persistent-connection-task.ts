import { type BenchService } from '../../testbed/bench-service.js'
import { EchoConnection } from './echo-connection.js'
import { type RepeatedTask } from './repeated-task.js'
import { type LoadKind, type TallyRecorder } from './tally.js'

export interface PersistentConnectionOptions {
  readonly pauseMs: number
  /** The data of each request. */
  readonly payload: Buffer
  /** Number of requests per connection; Infinity: one connection for the whole soak. */
  readonly maxRequests: number
}

/** A connection that must survive the removal of its endpoint and carries a request from time to time. */
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
