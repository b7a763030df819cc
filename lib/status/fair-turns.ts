import { setImmediate as nextTurn } from 'node:timers/promises'

/** Items that are made before the process does its other work: about a millisecond. */
const ITEMS_PER_TURN = 200

/** Lets the other work of the process pass while a large answer is made. */
export class FairTurns {
  #done = 0

  /** Counts items that have been made. The promise, if there is one, must be waited for. */
  count(items: number): Promise<void> | undefined {
    this.#done += items
    if (this.#done < ITEMS_PER_TURN) return undefined
    this.#done = 0
    return nextTurn()
  }
}
