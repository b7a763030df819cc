import { randomBytes } from 'node:crypto'
import { CLIENT_IPS, DOUBTFUL, KEPT, LOOKUP, SHORT, STEADY, STREAM } from '../soak-services.js'
import { briefConnection } from './brief-connection.js'
import { EchoPort } from './echo-port.js'
import { KeptRound } from './kept-round.js'
import { type Round } from './round.js'
import { StickyRound } from './sticky-round.js'
import { type TallyBook } from './tally.js'

const PIECE_BYTES = 64 * 1024
/** Of each new port. */
const LOOKUPS = 3
/** Longer than the dials of an endpoint that is silent take together, in milliseconds. */
const DOUBTFUL_PATIENCE_MS = 6000

/** Everybody who asks Services that are there all the time: some 300 requests and 1 MiB in a second. */
export function standingLoad(book: TallyBook): Round[] {
  const request = Buffer.from('a small request\n')
  const piece = randomBytes(PIECE_BYTES)
  return [
    ...times(8, () => new KeptRound(KEPT, 'kept', book, { pauseMs: 100, bytes: request, most: 100 })),
    ...times(8, () => round(200, () => book.count('short', async () => void (await briefConnection(SHORT))))),
    ...times(2, () => new KeptRound(STREAM, 'stream', book, { pauseMs: 250, bytes: piece, most: Infinity })),
    ...times(2, () => new KeptRound(STREAM, 'stream', book, { pauseMs: 250, bytes: piece, most: 100 })),
    ...times(8, () => round(400, () => lookUp(book))),
    ...times(8, () => new SteadyPort(book)),
    ...CLIENT_IPS.map(ip => new StickyRound(book, ip)),
    ...times(2, () => round(1000, () => book.count('doubtful', visitDoubtful))),
  ]
}

async function visitDoubtful(): Promise<void> {
  await briefConnection(DOUBTFUL, { patienceMs: DOUBTFUL_PATIENCE_MS })
}

async function lookUp(book: TallyBook): Promise<void> {
  const port = await EchoPort.open(LOOKUP)
  for (let n = 0; n < LOOKUPS; n++)
    await book.count('lookup', async () => {
      book.tallies.lookup.again += await port.ask()
    })
  port.close()
}

/** A port that stays: its flow is led on to another endpoint whenever its own is taken away. */
class SteadyPort implements Round {
  readonly pauseMs = 500
  readonly #book: TallyBook
  #port: EchoPort | undefined

  constructor(book: TallyBook) {
    this.#book = book
  }

  async turn(): Promise<void> {
    await this.#book.count('steady', async () => {
      this.#port ??= await EchoPort.open(STEADY)
      this.#book.tallies.steady.again += await this.#port.ask()
    })
  }

  end(): Promise<void> {
    this.#port?.close()
    return Promise.resolve()
  }
}

function round(pauseMs: number, work: () => Promise<unknown>): Round {
  return {
    pauseMs,
    async turn() {
      await work()
    },
  }
}

function times<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make)
}
