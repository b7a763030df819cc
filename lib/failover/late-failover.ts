import { type Clock } from '../model/clock.js'
import { messageOf } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { type ServiceSnapshot } from '../model/snapshot.js'
import { withTimeout } from '../primitives/with-timeout.js'
import { type Failover } from './kernel-failover.js'

/** How long the checks may take whether the kernel can serve, in milliseconds: the process has little time to end. */
const CREATE_TIMEOUT_MS = 10_000

/**
 * A failover that is made when it is needed, at the end of this process: until then it costs neither memory nor time. It only
 * remembers the last snapshot.
 */
export class LateFailover implements Failover {
  readonly #create: () => Promise<Failover>
  readonly #clock: Clock
  readonly #log: Log
  #snapshot: ServiceSnapshot | undefined

  /** @param create rejects if the kernel of this node cannot serve */
  constructor(create: () => Promise<Failover>, clock: Clock, log: Log) {
    this.#create = create
    this.#clock = clock
    this.#log = log
  }

  update(snapshot: ServiceSnapshot): void {
    this.#snapshot = snapshot
  }

  async takeOver(): Promise<boolean> {
    // Nothing has been served yet: the kernel keeps the rules that it has.
    if (this.#snapshot === undefined) return false
    try {
      const failover = await withTimeout(this.#create(), {
        clock: this.#clock,
        ms: CREATE_TIMEOUT_MS,
        onTimeout: () => {
          throw new Error(`the checks of iptables mode did not end within ${CREATE_TIMEOUT_MS / 1000} s`)
        },
      })
      failover.update(this.#snapshot)
      return await failover.takeOver()
    } catch (error) {
      this.#log.warn('The kernel cannot serve while the proxy is down; clients will be refused after the drain', {
        reason: messageOf(error),
      })
      return false
    }
  }

  disarm(): void {
    this.#snapshot = undefined
  }
}
