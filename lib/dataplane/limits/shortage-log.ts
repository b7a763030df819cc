import { type Clock } from '../../model/clock.js'
import { type Log } from '../../model/log.js'
import { TokenBucket } from '../../primitives/token-bucket.js'
import { type Shortage, type ShortageName } from './shortage-watch.js'

/** One line in this time for each kind of shortage, in milliseconds. */
const INTERVAL_MS = 60_000

const MESSAGES: Readonly<Record<ShortageName, string>> = {
  descriptors: 'File descriptors are short: clients wait or are rejected, or idle connections end',
  memory: 'Memory is short: connections whose receivers take no data end, or clients with affinity are forgotten',
}

/** Logs shortages of the data plane, at most one line a minute for each kind, whichever process has them. */
export class ShortageLog {
  readonly #log: Log
  readonly #clock: Clock
  readonly #kinds = new Map<
    ShortageName,
    { readonly lines: TokenBucket; waited: number; rejected: number; ended: number }
  >()

  constructor(log: Log, clock: Clock) {
    this.#log = log
    this.#clock = clock
  }

  /** Logs a shortage, or adds it to the next line. */
  report({ name, waited, rejected, ended, ...state }: Shortage): void {
    let kind = this.#kinds.get(name)
    if (kind === undefined) {
      const lines = new TokenBucket({ burst: 1, refillMs: INTERVAL_MS })
      this.#kinds.set(name, (kind = { lines, waited: 0, rejected: 0, ended: 0 }))
    }
    kind.waited += waited
    kind.rejected += rejected
    kind.ended += ended
    if (kind.lines.tryTake(this.#clock.now()) > 0) return
    const { hint, ...fields } = state
    this.#log.warn(MESSAGES[name], { ...fields, waited: kind.waited, rejected: kind.rejected, ended: kind.ended, hint })
    Object.assign(kind, { waited: 0, rejected: 0, ended: 0 })
  }
}
