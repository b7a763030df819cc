import { messageOf } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { type ServiceSnapshot } from '../model/snapshot.js'
import { type Failover } from './kernel-failover.js'

/**
 * A failover that is made when it is needed, at the end of this process: until then it costs neither memory nor time. It only
 * remembers the last snapshot.
 */
export class LateFailover implements Failover {
  readonly #create: () => Promise<Failover>
  readonly #log: Log
  #snapshot: ServiceSnapshot | undefined
  /** Undefined if the kernel cannot serve. */
  #created: Promise<Failover | undefined> | undefined

  /** @param create rejects if the kernel of this node cannot serve */
  constructor(create: () => Promise<Failover>, log: Log) {
    this.#create = create
    this.#log = log
  }

  update(snapshot: ServiceSnapshot): void {
    this.#snapshot = snapshot
  }

  async prepare(): Promise<boolean> {
    // Nothing has been served yet: the kernel keeps the rules that it has.
    if (this.#snapshot === undefined) return false
    this.#created ??= this.#tryToCreate()
    return (await this.#created) !== undefined
  }

  async takeOver(abandon: AbortSignal): Promise<boolean> {
    if (!(await this.prepare())) return false
    const failover = (await this.#created)!
    // A hand-over may have disarmed it meanwhile.
    if (abandon.aborted || this.#snapshot === undefined) return false
    failover.update(this.#snapshot)
    return failover.takeOver(abandon)
  }

  disarm(): void {
    this.#snapshot = undefined
  }

  async #tryToCreate(): Promise<Failover | undefined> {
    try {
      return await this.#create()
    } catch (error) {
      this.#log.warn('The kernel cannot serve while the proxy is down; clients will be refused after the drain', {
        reason: messageOf(error),
      })
      return undefined
    }
  }
}
