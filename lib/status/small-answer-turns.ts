import { type ServerResponse } from 'node:http'
import { type Clock } from '../model/clock.js'
import { pause } from '../primitives/pause.js'
import { TokenBucket } from '../primitives/token-bucket.js'
import { type AnswerText } from './answer-turns.js'
import { hasLeft } from './once-closed.js'

/** How many small answers are made at once, and then how often one, in milliseconds. */
export const SMALL_ANSWERS = { burst: 100, refillMs: 20 }

/** Bounds how often small answers are made. They do not wait for large ones. */
export class SmallAnswerTurns {
  readonly #clock: Clock
  readonly #bucket = new TokenBucket(SMALL_ANSWERS)

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Resolves with the answer; undefined: the client has left meanwhile. */
  async run(client: ServerResponse, make: () => Promise<AnswerText>): Promise<AnswerText | undefined> {
    for (let waitMs = this.#tryTake(); waitMs > 0; waitMs = this.#tryTake()) {
      await pause(this.#clock, waitMs, undefined, { keepsAlive: false })
      if (hasLeft(client)) return undefined
    }
    return make()
  }

  #tryTake(): number {
    return this.#bucket.tryTake(this.#clock.now())
  }
}
