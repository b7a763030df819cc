import { type Clock } from '../model/clock.js'
import { pause } from '../primitives/pause.js'

/** The parts of an `AnswerPace`. */
export interface AnswerPaceOptions {
  readonly clock: Clock
  /** What this process has used of processors so far, in milliseconds. */
  readonly cpuMs: () => number
}

/** The part of one processor that answers may take in the long run. The rest is for what the proxy is there for. */
export const ANSWER_SHARE = 0.25
/** What they may take at once, in milliseconds: a page that opens, and a command, do not wait. */
export const ANSWER_BURST_MS = 1000
/** The longest wait, in milliseconds. Commands and the page give up after 10 s. */
export const MAX_ANSWER_WAIT_MS = 8000

/** More is forgiven: other work of the process may have used it while an answer was made. */
const MAX_DEBT_MS = ANSWER_BURST_MS + MAX_ANSWER_WAIT_MS * ANSWER_SHARE

/**
 * Bounds what answers cost, however often clients ask: after some costly ones, the next one waits. What the process uses while at least one
 * answer is made counts, once; so does its other work in that time.
 */
export class AnswerPace {
  readonly #options: AnswerPaceOptions
  /** Processor time of answers that the share has not made up for yet, at the moment `#at`. */
  #debtMs = 0
  #at: number
  /** Answers that are being made. */
  #running = 0
  /** While there are any: the processor time up to which they have been counted. */
  #countedTo = 0

  constructor(options: AnswerPaceOptions) {
    this.#options = options
    this.#at = options.clock.now()
  }

  /** Resolves when the next answer may be made. */
  async turn(): Promise<void> {
    // Others may have begun while this one waited.
    for (let waitMs = this.#waitMs(); waitMs > 0; waitMs = this.#waitMs())
      await pause(this.#options.clock, waitMs, undefined, { keepsAlive: false })
  }

  /** Makes an answer, and counts what it costs. */
  async count<Answer>(make: () => Promise<Answer>): Promise<Answer> {
    this.#settle()
    if (this.#running++ === 0) this.#countedTo = this.#options.cpuMs()
    try {
      return await make()
    } finally {
      this.#settle()
      this.#running--
    }
  }

  #waitMs(): number {
    this.#settle()
    return (this.#debtMs - ANSWER_BURST_MS) / ANSWER_SHARE
  }

  #settle(): void {
    const { clock, cpuMs } = this.#options
    const now = clock.now()
    this.#debtMs = Math.max(0, this.#debtMs - (now - this.#at) * ANSWER_SHARE)
    this.#at = now
    if (this.#running === 0) return
    const used = cpuMs()
    this.#debtMs = Math.min(MAX_DEBT_MS, this.#debtMs + used - this.#countedTo)
    this.#countedTo = used
  }
}
