import { type IpFamily } from '../model/address.js'
import { type Clock } from '../model/clock.js'
import { type Log } from '../model/log.js'
import { type Retirement } from '../modes/ipvs/retire-ipvs.js'
import { SPENT_MS } from '../modes/ipvs/proxier.js'
import { type SyncRecord } from '../observe/sync-record.js'

/**
 * Takes away what ipvs mode left on this node once the rules of another mode stand, in every family: until then its virtual
 * servers serve. Those that have open connections stay until these have ended. What fails at first is for `--cleanup`.
 */
export class IpvsLeaving implements Pick<SyncRecord, 'rulesWritten'> {
  readonly #awaited: Set<IpFamily>
  readonly #retire: () => Promise<Retirement>
  readonly #clock: Clock
  readonly #log: Log
  #hasWaited = false
  #isStopped = false
  #cancelLook: (() => void) | undefined

  /** @param retire takes away what is not needed any more */
  constructor(families: readonly IpFamily[], retire: () => Promise<Retirement>, clock: Clock, log: Log) {
    this.#awaited = new Set(families)
    this.#retire = retire
    this.#clock = clock
    this.#log = log
  }

  rulesWritten(family: IpFamily): void {
    if (this.#awaited.delete(family) && this.#awaited.size === 0) void this.#look()
  }

  /** What is there then stays for the next process. */
  stop(): void {
    this.#isStopped = true
    this.#cancelLook?.()
  }

  async #look(): Promise<void> {
    try {
      const found = await this.#retire()
      if (found === 'all removed') this.#log.info(0, 'Removed what ipvs mode had left')
      if (typeof found === 'string') return
      if (!this.#hasWaited)
        this.#log.info(0, 'Virtual servers of ipvs mode stay until the last of their connections has ended', {
          virtualServers: found.waiting,
        })
      this.#hasWaited = true
    } catch (error) {
      this.#log.error('Cannot remove what ipvs mode has left: kube-proxy --cleanup may say why, or do it', error)
      if (!this.#hasWaited) return
    }
    if (!this.#isStopped) this.#cancelLook = this.#clock.after(SPENT_MS, () => void this.#look())
  }
}
