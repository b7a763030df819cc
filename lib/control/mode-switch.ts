import { type IpFamily } from '../model/address.js'
import { type Clock } from '../model/clock.js'
import { type Log } from '../model/log.js'
import { type ModeDrain } from '../modes/mode.js'

/** A mode that is not in use, but may have left something on this node. */
export interface LeftMode {
  readonly mode: string
  readonly drain: ModeDrain
}

/**
 * Ends the switch from another mode to the one in use. Until the rules of every family are programmed, the other mode serves.
 * Then this class removes the leftovers of the other mode; what open connections need stays until the last of them has closed.
 * If the first step fails, there is no second one: the operator can run `--cleanup`.
 */
export class ModeSwitch {
  readonly #pendingFamilies: Set<IpFamily>
  readonly #leftModes: readonly LeftMode[]
  readonly #clock: Clock
  readonly #log: Log
  readonly #onAllProgrammed: () => void
  /** Cancels the next step, for each mode that still drains. */
  readonly #cancelSteps = new Map<string, () => void>()
  /** The steps that run now. */
  readonly #running = new Set<Promise<void>>()
  #isStopped = false

  /** @param onAllProgrammed called once, when the rules of every family are programmed */
  constructor(
    families: readonly IpFamily[],
    leftModes: readonly LeftMode[],
    clock: Clock,
    log: Log,
    onAllProgrammed: () => void = () => undefined,
  ) {
    this.#pendingFamilies = new Set(families)
    this.#leftModes = leftModes
    this.#clock = clock
    this.#log = log
    this.#onAllProgrammed = onAllProgrammed
  }

  /** Call it when the rules of a family are programmed. Only the first call for each family has an effect. */
  onRulesProgrammed(family: IpFamily): void {
    if (!this.#pendingFamilies.delete(family) || this.#pendingFamilies.size > 0) return
    this.#onAllProgrammed()
    // The last write before a stop can end after it.
    if (this.#isStopped) return
    for (const left of this.#leftModes) this.#start(left, false)
  }

  /** Ends the draining. Leftovers that are still there stay for the next process. Resolves when no step runs any more. */
  async stop(): Promise<void> {
    this.#isStopped = true
    for (const cancel of this.#cancelSteps.values()) cancel()
    await Promise.all(this.#running)
  }

  #start(left: LeftMode, isDraining: boolean): void {
    const step = this.#step(left, isDraining).finally(() => this.#running.delete(step))
    this.#running.add(step)
  }

  /** @param isDraining whether an earlier step found open connections */
  async #step(left: LeftMode, isDraining: boolean): Promise<void> {
    const { mode, drain } = left
    let hasConnections = isDraining
    try {
      const state = await drain.step()
      if (state === 'all removed') this.#log.info(0, 'Removed the leftovers of another mode', { mode })
      if (typeof state === 'string') return
      if (!isDraining)
        this.#log.info(0, 'Leftovers of another mode stay until their last connection has closed', {
          mode,
          ...state.draining,
        })
      hasConnections = true
    } catch (error) {
      this.#log.error('Cannot remove the leftovers of another mode; run kube-proxy --cleanup', error, {
        mode,
      })
    }
    if (hasConnections && !this.#isStopped)
      this.#cancelSteps.set(
        mode,
        this.#clock.after(drain.periodMs, () => this.#start(left, true)),
      )
  }
}
