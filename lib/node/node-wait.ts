import { type Clock } from '../model/clock.js'
import { type Log } from '../model/log.js'

export interface NodeWaitOptions {
  readonly clock: Clock
  readonly log: Log
  /** Milliseconds to wait at the most. */
  readonly timeoutMs: number
  /** What is still missing, in words; undefined: nothing. */
  readonly missing: () => string | undefined
  /** The time has run out, with this still missing; from now on nothing is waited for. Called before subscribers are. */
  readonly onTimeout: (missing: string) => void
}

/**
 * Holds up the first sync until the own Node is known, so that Services are not first served as if there were no zones. A
 * Node that does not come in time is not our business: whoever waits says what happens then.
 */
export class NodeWait {
  readonly #options: NodeWaitOptions
  #state: 'not started' | 'waiting' | 'done' = 'not started'
  #cancel: () => void = () => undefined
  #onGivenUp: () => void = () => undefined

  constructor(options: NodeWaitOptions) {
    this.#options = options
  }

  /** Has `resume` called when the wait ends without the Node: what it held up may begin. */
  subscribe(resume: () => void): void {
    this.#onGivenUp = resume
  }

  /** Whether it may be begun; the first question begins the wait. */
  isOver(): boolean {
    if (this.#state === 'done') return true
    const { clock, log, timeoutMs, missing } = this.#options
    const lacking = missing()
    if (lacking === undefined) this.#end()
    else if (this.#state === 'not started') {
      this.#state = 'waiting'
      log.info(0, 'Waiting for our own Node', { missing: lacking, seconds: timeoutMs / 1000 })
      this.#cancel = clock.after(timeoutMs, () => this.#timeout())
    }
    return lacking === undefined
  }

  /** Ends the wait without a word. */
  stop(): void {
    this.#end()
  }

  #timeout(): void {
    const { missing, onTimeout } = this.#options
    this.#end()
    onTimeout(missing() ?? '')
    this.#onGivenUp()
  }

  #end(): void {
    this.#cancel()
    this.#state = 'done'
  }
}
