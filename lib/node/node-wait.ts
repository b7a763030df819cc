import { type Clock } from '../model/clock.js'
import { type Log } from '../model/log.js'

export interface NodeWaitOptions {
  readonly clock: Clock
  readonly log: Log
  /** The longest wait, in milliseconds. */
  readonly timeoutMs: number
  /** After a timeout, the first sync begins without the Node (`serve`), or never (`exit`): the caller ends this process. */
  readonly then: 'serve' | 'exit'
  /** Returns why the Node is not known yet, in words that follow its name, or undefined if it is known. */
  readonly getReason: () => string | undefined
  /** Called after a timeout, before the subscriber, with that reason. */
  readonly onTimeout: (reason: string) => void
}

/**
 * Delays the first sync until the Node of this machine is known. Without it, the proxy would first serve Services as if there were
 * no zones.
 */
export class NodeWait {
  readonly #options: NodeWaitOptions
  #state: 'not started' | 'waiting' | 'over' | 'stopped' = 'not started'
  #cancel: () => void = () => undefined
  #resume: () => void = () => undefined

  constructor(options: NodeWaitOptions) {
    this.#options = options
  }

  /** Calls `resume` when the wait ends without the Node, and the first sync may begin. */
  subscribe(resume: () => void): void {
    this.#resume = resume
  }

  /** Whether the first sync may begin. The first call starts the wait if there is a reason to wait. */
  isOver(): boolean {
    if (this.#state === 'over') return true
    // The rules that the kernel has stay as they are: rules of a process that ends would be those of a node without zones.
    if (this.#state === 'stopped') return false
    const { clock, log, timeoutMs, getReason } = this.#options
    const reason = getReason()
    if (reason === undefined) this.#end('over')
    else if (this.#state === 'not started') {
      this.#state = 'waiting'
      log.info(0, 'Waiting for the Node of this machine', { reason, seconds: timeoutMs / 1000 })
      this.#cancel = clock.after(timeoutMs, () => this.#timeout())
    }
    return reason === undefined
  }

  /** Ends the wait of a process that ends; nothing is called, and no first sync begins any more. */
  stop(): void {
    if (this.#state !== 'over') this.#end('stopped')
  }

  #timeout(): void {
    const { getReason, onTimeout, then } = this.#options
    this.#end(then === 'serve' ? 'over' : 'stopped')
    onTimeout(getReason() ?? '')
    if (then === 'serve') this.#resume()
  }

  #end(state: 'over' | 'stopped'): void {
    this.#cancel()
    this.#state = state
  }
}
