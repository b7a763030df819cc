import { type BenchService } from '../../site/bench-service.js'
import { EchoConnection } from './echo-connection.js'
import { type Round } from './round.js'
import { type Tallied, type TallyBook } from './tally.js'

export interface KeptOptions {
  readonly pauseMs: number
  /** What is sent each time. */
  readonly bytes: Buffer
  /** How often it is sent before another connection is taken; Infinity: it is the same for as long as the soak is. */
  readonly most: number
}

/** A connection that stays, also when its endpoint is taken away, and is asked from time to time. */
export class KeptRound implements Round {
  readonly #options: KeptOptions
  readonly #service: BenchService
  readonly #of: Tallied
  readonly #book: TallyBook
  #connection: EchoConnection | undefined
  #turns = 0

  constructor(service: BenchService, of: Tallied, book: TallyBook, options: KeptOptions) {
    this.#service = service
    this.#of = of
    this.#book = book
    this.#options = options
  }

  get pauseMs(): number {
    return this.#options.pauseMs
  }

  async turn(): Promise<void> {
    const isWell = await this.#book.count(this.#of, async () => {
      this.#connection ??= await EchoConnection.open(this.#service)
      await this.#connection.echo(this.#options.bytes)
    })
    if (!isWell) {
      this.#connection?.destroy()
      this.#connection = undefined
    } else if (++this.#turns % this.#options.most === 0) await this.end()
  }

  async end(): Promise<void> {
    const connection = this.#connection
    this.#connection = undefined
    await connection?.end().catch((error: Error) => this.#book.failed(this.#of, error))
  }
}
