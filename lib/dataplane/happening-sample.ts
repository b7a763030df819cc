/** Of what went in order, a process keeps so much between two questions. */
const MAX_ORDINARY = 400
/**
 * If there is more, it keeps no more than this: each costs some ten microseconds on its way to a client, and a person cannot read hundreds
 * of lines a second.
 */
const BUSY_ORDINARY = 150
/** Of failures, it keeps the first ones. */
const MAX_FAILURES = 300

/**
 * Chooses what a busy process reports: failures, and of what went in order a share of the connections, the same ones when they open and
 * when they end. The share follows what came before the last question.
 */
export class HappeningSample {
  #share = 1
  #seen = 0
  #ordinary = 0
  #failures = 0

  /** A question was answered: as much can be reported again. */
  next(): void {
    this.#share = shareFor(this.#seen)
    this.#seen = 0
    this.#ordinary = 0
    this.#failures = 0
  }

  /** Whether to report the next one. @param id number of its connection */
  keeps(id: number, isFailure: boolean): boolean {
    if (isFailure) return this.#failures++ < MAX_FAILURES
    this.#seen++
    return isInShare(id, this.#share) && this.#ordinary++ < MAX_ORDINARY
  }
}

/** The part of the connections to report: one, a half, a quarter …: what is in a smaller part is in a larger one, too. */
function shareFor(seen: number): number {
  let share = 1
  if (seen > MAX_ORDINARY) while (seen * share > BUSY_ORDINARY) share /= 2
  return share
}

/** Spreads neighbours over all shares (Knuth's multiplicative hash): the connections of one Service may all have even numbers. */
function isInShare(id: number, share: number): boolean {
  return Math.imul(id, 0x9e3779b1) >>> 0 < share * 2 ** 32
}
