import { type Clock } from '../model/clock.js'
import { type Log } from '../model/log.js'

export interface NodeWaitOptions {
  readonly clock: Clock
  readonly log: Log
  /** The longest wait, in milliseconds. */
  readonly timeoutMs: number
  /** Returns what is still missing, in words, or undefined if nothing is. */
  readonly getMissing: () => string | undefined
  /** Called after a timeout, before the subscriber, with what is still missing. The wait is over then. */
  readonly onTimeout: (missing: string) => void
}

/**
 * Delays the first sync until the Node of this machine is known. Without it, the proxy would first serve Services as if there were
 * no zones. The caller decides what happens after a timeout.
 */
export class NodeWait {
  readonly #options: NodeWaitOptions
  #state: 'not started' | 'waiting' | 'done' = 'not started'
  #cancel: () => void = () => undefined
  #resume: () => void = () => undefined

  constructor(options: NodeWaitOptions) {
    this.#options = options
  }

  /** Calls `resume` when the wait ends without the Node. */
  subscribe(resume: () => void): void {
    this.#resume = resume
  }

  /** Whether the first sync may begin. The first call starts the wait if something is missing. */
  isOver(): boolean {
    if (this.#state === 'done') return true
    const { clock, log, timeoutMs, getMissing } = this.#options
    const missing = getMissing()
    if (missing === undefined) this.#end()
    else if (this.#state === 'not started') {
      this.#state = 'waiting'
      log.info(0, 'Waiting for the Node of this machine', { missing, seconds: timeoutMs / 1000 })
      this.#cancel = clock.after(timeoutMs, () => this.#timeout())
    }
    return missing === undefined
  }

  /** Ends the wait; nothing is called. */
  stop(): void {
    this.#end()
  }

  #timeout(): void {
    const { getMissing, onTimeout } = this.#options
    this.#end()
    onTimeout(getMissing() ?? '')
    this.#resume()
  }

  #end(): void {
    this.#cancel()
    this.#state = 'done'
  }
}
