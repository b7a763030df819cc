import { type IpFamily } from '../model/address.js'
import { type Clock } from '../model/clock.js'
import { type Log } from '../model/log.js'
import { type DrainState } from '../modes/ipvs/drain.js'
import { DRAIN_CHECK_MS } from '../modes/ipvs/proxier.js'
import { type SyncObserver } from '../observe/sync-observer.js'

/**
 * Takes away what ipvs mode left on this node once the rules of another mode stand, in every family: until then its virtual
 * servers serve. Those that have open connections stay until these have ended. What fails at first is for `--cleanup`.
 */
export class IpvsDrain implements Pick<SyncObserver, 'rulesWritten'> {
  readonly #pendingFamilies: Set<IpFamily>
  readonly #drainOnce: () => Promise<DrainState>
  readonly #clock: Clock
  readonly #log: Log
  #isDraining = false
  #isStopped = false
  #cancelCheck: (() => void) | undefined

  /** @param retire takes away what is not needed any more */
  constructor(families: readonly IpFamily[], retire: () => Promise<DrainState>, clock: Clock, log: Log) {
    this.#pendingFamilies = new Set(families)
    this.#drainOnce = retire
    this.#clock = clock
    this.#log = log
  }

  rulesWritten(family: IpFamily): void {
    if (this.#pendingFamilies.delete(family) && this.#pendingFamilies.size === 0) void this.#check()
  }

  /** What is there then stays for the next process. */
  stop(): void {
    this.#isStopped = true
    this.#cancelCheck?.()
  }

  async #check(): Promise<void> {
    try {
      const state = await this.#drainOnce()
      if (state === 'all removed') this.#log.info(0, 'Removed what ipvs mode had left')
      if (typeof state === 'string') return
      if (!this.#isDraining)
        this.#log.info(0, 'Virtual servers of ipvs mode stay until the last of their connections has ended', {
          virtualServers: state.draining,
        })
      this.#isDraining = true
    } catch (error) {
      this.#log.error('Cannot remove what ipvs mode has left: kube-proxy --cleanup may say why, or do it', error)
      if (!this.#isDraining) return
    }
    if (!this.#isStopped) this.#cancelCheck = this.#clock.after(DRAIN_CHECK_MS, () => void this.#check())
  }
}
