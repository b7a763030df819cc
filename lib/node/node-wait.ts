import { type Clock } from '../model/clock.js'
import { type Log } from '../model/log.js'
import { type NodeWaitPolicy } from '../model/node-wait-policy.js'

/**
 * For a Node that lacks nothing but its address. A cloud controller sets the address, and may need a Service before it can: so
 * every mode serves what it can serve.
 */
export const ADDRESS_WAIT: NodeWaitPolicy = { timeoutMs: 5000, then: 'serve' }

export interface NodeWaitOptions {
  readonly clock: Clock
  readonly log: Log
  /** How long to wait for what is missing now, and what follows. */
  readonly getPolicy: () => NodeWaitPolicy
  /** Returns why the Node is not known yet, in words that follow its name, or undefined if it is known. */
  readonly getReason: () => string | undefined
  /** Called after a timeout, before the subscriber, with that reason. */
  readonly onTimeout: (reason: string, policy: NodeWaitPolicy) => void
}

/**
 * Delays the first sync until the Node of this machine is known. Without it, the proxy would first serve Services as if there were
 * no zones.
 */
export class NodeWait {
  readonly #options: NodeWaitOptions
  #state: 'not started' | 'waiting' | 'over' | 'stopped' = 'not started'
  #policy: NodeWaitPolicy | undefined
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
    const reason = this.#options.getReason()
    if (reason === undefined) this.#end('over')
    else this.#wait(reason)
    return reason === undefined
  }

  /** Ends the wait of a process that ends; nothing is called, and no first sync begins any more. */
  stop(): void {
    if (this.#state !== 'over') this.#end('stopped')
  }

  /** Starts the wait, or shortens it if less is missing now than before. */
  #wait(reason: string): void {
    const { clock, log, getPolicy } = this.#options
    const policy = getPolicy()
    if (this.#policy !== undefined && this.#policy.timeoutMs <= policy.timeoutMs) return
    this.#cancel()
    this.#state = 'waiting'
    this.#policy = policy
    log.info(0, 'Waiting for the Node of this machine', { reason, seconds: policy.timeoutMs / 1000 })
    this.#cancel = clock.after(policy.timeoutMs, () => this.#timeout(policy))
  }

  #timeout(policy: NodeWaitPolicy): void {
    const { getReason, onTimeout } = this.#options
    this.#end(policy.then === 'serve' ? 'over' : 'stopped')
    onTimeout(getReason() ?? '', policy)
    if (policy.then === 'serve') this.#resume()
  }

  #end(state: 'over' | 'stopped'): void {
    this.#cancel()
    this.#state = state
  }
}
