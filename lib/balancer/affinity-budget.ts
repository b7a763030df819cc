import { Counted, CountRanking } from '../primitives/count-ranking.js'

/** What has clients with affinity: an AffinityTable. */
export abstract class AffinityHolder extends Counted {
  /** Removes the client with the oldest last use. */
  abstract forgetOldest(): void
}

/**
 * Limits how many clients all affinity tables of a process have together: thousands of Services with a table each would otherwise take all
 * memory. At the limit, the table with the most clients forgets the one that it has not seen for the longest time.
 */
export class AffinityBudget {
  /** The most clients. */
  readonly limit: number
  readonly #ranking = new CountRanking<AffinityHolder>()
  #used = 0
  #evicted = 0

  constructor(limit: number) {
    this.limit = Math.max(1, limit)
  }

  /** How many clients there are. */
  get used(): number {
    return this.#used
  }

  /** How many clients had to make room. */
  get evicted(): number {
    return this.#evicted
  }

  /** A table has one client more. */
  add(table: AffinityHolder): void {
    this.#ranking.increment(table)
    this.#used++
    if (this.#used <= this.limit) return
    this.#ranking.first!.forgetOldest()
    this.#evicted++
  }

  /** A table has one client less. */
  remove(table: AffinityHolder): void {
    this.#ranking.decrement(table)
    this.#used--
  }
}
