import { ProxyFailure } from '../../model/failure.js'
import { type Log } from '../../model/log.js'
import { OnceReporter } from '../../primitives/once-reporter.js'
import { type RefusedSetLine } from '../../system/restore-sets.js'

/** The additions to sets, and removals from them, that the kernel refuses. Each is reported once, as long as it is refused. */
export class RefusedEntries {
  readonly #log: Log
  readonly #reporter = new OnceReporter()
  #additions: readonly RefusedSetLine[] = []
  #removals: readonly RefusedSetLine[] = []

  constructor(log: Log) {
    this.#log = log
  }

  get count(): number {
    return this.#additions.length + this.#removals.length
  }

  /** The kernel was asked for all additions, and has refused these. */
  setAdditions(refused: readonly RefusedSetLine[]): void {
    this.#additions = refused
    this.#report()
  }

  /** The same for removals. */
  setRemovals(refused: readonly RefusedSetLine[]): void {
    this.#removals = refused
    this.#report()
  }

  #report(): void {
    this.#reporter.update(
      [...this.#additions, ...this.#removals],
      ({ line }) => line,
      ({ line, reason }) =>
        this.#log.error(
          'Cannot change one entry of a set; what it is for may be served wrongly, all others are right',
          new ProxyFailure('IPSET_FAILED', reason, { hint: 'The proxy tries again at each sync' }),
          { line },
        ),
    )
  }
}
