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

/** Bounds what answers cost, however often clients ask: after some costly ones, the next one waits. */
export class AnswerPace {
  readonly #options: AnswerPaceOptions
  /** Processor time of answers that the share has not made up for yet, at the moment `#at`. */
  #debtMs = 0
  #at: number

  constructor(options: AnswerPaceOptions) {
    this.#options = options
    this.#at = options.clock.now()
  }

  /** Makes an answer when its turn has come. Other work of the process meanwhile counts as its own. */
  async run<Answer>(make: () => Promise<Answer>): Promise<Answer> {
    const { clock, cpuMs } = this.#options
    // Others may have begun while this one waited.
    for (let waitMs = this.#waitMs(); waitMs > 0; waitMs = this.#waitMs())
      await pause(clock, waitMs, undefined, { keepsAlive: false })
    const before = cpuMs()
    try {
      return await make()
    } finally {
      this.#pay()
      this.#debtMs += cpuMs() - before
    }
  }

  #waitMs(): number {
    this.#pay()
    return (this.#debtMs - ANSWER_BURST_MS) / ANSWER_SHARE
  }

  #pay(): void {
    const now = this.#options.clock.now()
    this.#debtMs = Math.max(0, this.#debtMs - (now - this.#at) * ANSWER_SHARE)
    this.#at = now
  }
}
