import { LASTING_IPS, STICKY } from '../soak-services.js'
import { briefConnection } from './brief-connection.js'
import { type Round } from './round.js'
import { type TallyBook } from './tally.js'

/** One client of the Service with affinity: as long as its Pod is an endpoint, no other one may answer. */
export class StickyRound implements Round {
  readonly pauseMs = 1000
  readonly #book: TallyBook
  readonly #localAddress: string
  #pod: string | undefined

  constructor(book: TallyBook, localAddress: string) {
    this.#book = book
    this.#localAddress = localAddress
  }

  async turn(): Promise<void> {
    await this.#book.count('sticky', async () => {
      const before = this.#pod
      this.#pod = await briefConnection(STICKY, { localAddress: this.#localAddress })
      if (before !== undefined && this.#pod !== before && LASTING_IPS.includes(before))
        throw new Error('another Pod answered although the one before is still an endpoint')
    })
  }
}
