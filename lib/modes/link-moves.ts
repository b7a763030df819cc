import { type IpFamily } from '../model/address.js'
import { type Clock } from '../model/clock.js'
import { type Log } from '../model/log.js'
import { OnceReporter } from '../primitives/once-reporter.js'
import { TokenBucket } from '../primitives/token-bucket.js'

/** Some programs want the first place too, and check it often: Calico does by default. A contest would write rules without end. */
const MOVES_AT_ONCE = 3
const MOVE_PERIOD_MS = 600_000

/** Limits how often links are put above the rules of other programs, and reports it when that does not last. */
export class LinkMoves {
  readonly #clock: Pick<Clock, 'now'>
  readonly #log: Log
  readonly #bucket = new TokenBucket({ burst: MOVES_AT_ONCE, refillMs: MOVE_PERIOD_MS })
  readonly #reporter = new OnceReporter()

  constructor(clock: Pick<Clock, 'now'>, log: Log) {
    this.#clock = clock
    this.#log = log
  }

  /** Whether a write may move links now. */
  get areAllowed(): boolean {
    return this.#bucket.wait(this.#clock.now()) === 0
  }

  /**
   * Counts a write.
   * @param bypassed the links that the write found bypassed, as `table chain`
   * @param moved whether it moved them
   */
  record(family: IpFamily, bypassed: readonly string[], moved: boolean): void {
    const now = this.#clock.now()
    if (bypassed.length > 0 && moved) this.#bucket.take(now)
    if (bypassed.length === 0 || moved) return
    this.#reporter.add(bypassed.join(', '), links =>
      this.#log.warn('Rules of another program stand above ours again and again: they take packets of Services', {
        family,
        chains: links,
        nextMoveMs: Math.round(this.#bucket.wait(now)),
        hint: 'Let that program append its rules, such as with chainInsertMode "Append" in Calico',
      }),
    )
  }
}
