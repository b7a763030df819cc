import { type IpFamily } from '../model/address.js'
import { type Clock } from '../model/clock.js'
import { type Log } from '../model/log.js'
import { type ModeDrain } from '../modes/mode-drain.js'

/** A mode that is not in use, with what it may have left behind. */
export interface LeftMode {
  readonly mode: string
  readonly drain: ModeDrain
}

/**
 * Ends the switch from another mode to this one: once the rules of this mode are programmed in every family, it drains what
 * the other one left. Until then the other mode serves. What open connections need stays until they have ended. What fails at
 * the first step is left to `--cleanup`.
 */
export class ModeSwitch {
  readonly #pendingFamilies: Set<IpFamily>
  readonly #leftModes: readonly LeftMode[]
  readonly #clock: Clock
  readonly #log: Log
  /** Of the next step of each mode that still drains. */
  readonly #cancelSteps = new Map<string, () => void>()
  #isStopped = false

  constructor(families: readonly IpFamily[], leftModes: readonly LeftMode[], clock: Clock, log: Log) {
    this.#pendingFamilies = new Set(families)
    this.#leftModes = leftModes
    this.#clock = clock
    this.#log = log
  }

  /** The rules of one family are programmed. Repeated calls do nothing more. */
  onRulesProgrammed(family: IpFamily): void {
    if (!this.#pendingFamilies.delete(family) || this.#pendingFamilies.size > 0) return
    for (const left of this.#leftModes) void this.#step(left, false)
  }

  /** Ends the draining; what is still there stays for the next process. */
  stop(): void {
    this.#isStopped = true
    for (const cancel of this.#cancelSteps.values()) cancel()
  }

  /** @param isDraining whether an earlier step found connections that last */
  async #step(left: LeftMode, isDraining: boolean): Promise<void> {
    const { mode, drain } = left
    let lasts = isDraining
    try {
      const state = await drain.step()
      if (state === 'all removed') this.#log.info(0, 'Removed what another mode had left', { mode })
      if (typeof state === 'string') return
      if (!isDraining)
        this.#log.info(0, 'Leftovers of another mode stay until the last of their connections has ended', {
          mode,
          ...state.draining,
        })
      lasts = true
    } catch (error) {
      this.#log.error('Cannot remove what another mode has left; kube-proxy --cleanup may say why, or do it', error, {
        mode,
      })
    }
    if (lasts && !this.#isStopped)
      this.#cancelSteps.set(
        mode,
        this.#clock.after(drain.periodMs, () => void this.#step(left, true)),
      )
  }
}
