import { type Clock } from '../model/clock.js'
import { type Log } from '../model/log.js'
import { type KernelRules } from '../modes/proxier.js'
import { type SyncObserver } from '../observe/sync-observer.js'
import { NamedTimers } from '../primitives/named-timers.js'
import { TokenBucket } from '../primitives/token-bucket.js'
import { type ModeSwitch } from './mode-switch.js'

/** Rules may be written twice in a row before the minimum period counts, as with kube-proxy. */
const BURST = 2
/** Back-off after a failure, in milliseconds: doubles from the first up to the sync period. */
const FIRST_RETRY_MS = 1000

/** Changes on their way from the store to the kernel. */
export interface ChangeBatch {
  /** When the first of them was queued, by the clock, in milliseconds. */
  readonly queuedAt: number
  /** When they were made, as far as their objects say: ms since 1970. */
  readonly triggerTimes: readonly number[]
}

export interface ProgramLoopOptions {
  readonly rules: KernelRules
  readonly clock: Clock
  /** Milliseconds since 1970. */
  readonly wallTime: () => number
  readonly record: SyncObserver
  readonly modeSwitch: Pick<ModeSwitch, 'onRulesProgrammed'>
  readonly log: Log
  /** Milliseconds; see KubeProxyConfig. */
  readonly syncPeriod: number
  readonly minSyncPeriod: number
  /** Milliseconds between looks at the rules, for what others may have done to them. */
  readonly checkPeriod: number
  /** Whether changes wait that no update has carried out yet. */
  readonly hasPendingChanges: () => boolean
  /** Rules have been written, or not: what depends on them can be looked at again. */
  readonly onProgrammed: () => void
}

/**
 * Keeps the rules of one IP family true: writes them when an update has left them pending, at most every minSyncPeriod; looks
 * at them every few seconds and repairs what others have changed; after a failure tries again with growing pauses, whatever comes in meanwhile.
 */
export class ProgramLoop {
  readonly #options: ProgramLoopOptions
  readonly #bucket: TokenBucket
  readonly #timers: NamedTimers<'program' | 'verify'>
  /** What updates have carried out, and no program yet. */
  #updatedBatch: ChangeBatch | undefined
  #programming: Promise<void> | undefined
  #verifyRequested = false
  #failures = 0

  constructor(options: ProgramLoopOptions) {
    this.#options = options
    this.#bucket = new TokenBucket({ burst: BURST, refillMs: options.minSyncPeriod })
    this.#timers = new NamedTimers(options.clock)
  }

  /** A change is waiting. */
  markQueued(): void {
    const { record, rules, wallTime } = this.#options
    record.queued(rules.family, wallTime())
  }

  /** An update has carried out a batch of changes; whether that was all of their sync depends on the rules. */
  addUpdated(batch: ChangeBatch | undefined): void {
    this.#updatedBatch = mergeBatches(this.#updatedBatch, batch)
  }

  /** Updates are done for now: programs if that is wanted; else what was updated is a sync by itself. */
  finishUpdates(): void {
    if (this.#options.rules.pending || this.#verifyRequested) this.#schedule()
    else if (this.#programming === undefined) this.#finishWithoutProgram()
  }

  /** Ends the loop; resolves when no write of rules is under way any more. Rules stay as they are. */
  async stop(): Promise<void> {
    this.#timers.stop()
    await this.#programming
  }

  #schedule(): void {
    // After a failure nothing but the retry writes: a stream of changes must not undo the back-off.
    const backingOff = this.#failures > 0 && this.#timers.has('verify')
    if (this.#programming !== undefined || this.#timers.has('program') || backingOff) return
    this.#timers.set('program', this.#bucket.wait(this.#options.clock.now()), () => {
      this.#programming = this.#program()
    })
  }

  async #program(): Promise<void> {
    const { rules, clock, record, modeSwitch, log, syncPeriod, checkPeriod, onProgrammed } = this.#options
    const { family } = rules
    const verify = this.#verifyRequested
    this.#verifyRequested = false
    const pending = rules.pending
    const batch = this.#updatedBatch
    this.#updatedBatch = undefined
    const startedAt = clock.now()
    this.#bucket.take(startedAt)
    try {
      const report = await rules.program(verify)
      this.#failures = 0
      record.rulesWritten(family, report.rules)
      modeSwitch.onRulesProgrammed(family)
      const ms = clock.now() - startedAt
      const owned = report.rules.reduce((sum, table) => sum + table.owned, 0)
      log.info(verify && !report.changed ? 4 : 2, 'Synced rules', {
        family,
        changed: report.changed,
        rules: owned,
        ms: Math.round(ms),
      })
      const changedByOthers = !pending && this.#updatedBatch === undefined
      if (verify && report.changed && changedByOthers)
        log.warn('Rules had been changed by somebody else and were repaired', { family })
      this.#recordSynced(batch, ms)
      this.#timers.set('verify', checkPeriod, () => this.#verify())
    } catch (error) {
      this.#updatedBatch = mergeBatches(batch, this.#updatedBatch)
      record.restoreFailed(family)
      // Also a look that failed: nobody knows what the rules are, and health must not say that all is well for ever.
      this.markQueued()
      const retryMs = Math.min(syncPeriod, FIRST_RETRY_MS * 2 ** this.#failures++)
      log.error('Rules could not be written: the last ones stay in force', error, { family, retryMs })
      this.#timers.cancel('verify')
      this.#timers.set('verify', retryMs, () => this.#verify())
    } finally {
      this.#programming = undefined
    }
    // Listeners that only the old rules led to can be closed now, and what changed meanwhile may want rules again.
    onProgrammed()
  }

  /** Reads the rules before trusting them again: some time has passed, or a write has failed. */
  #verify(): void {
    this.#verifyRequested = true
    this.#schedule()
  }

  /** An update that asks for no rules is a sync by itself. */
  #finishWithoutProgram(): void {
    const updated = this.#updatedBatch
    if (updated === undefined) return
    this.#updatedBatch = undefined
    this.#recordSynced(updated, this.#options.clock.now() - updated.queuedAt)
  }

  #recordSynced(batch: ChangeBatch | undefined, durationMs: number): void {
    const { record, rules, wallTime, hasPendingChanges } = this.#options
    const hasPending = hasPendingChanges() || this.#updatedBatch !== undefined
    // A verification that carried nothing settles nothing, or an update that never ends would never be noticed.
    if (batch === undefined && hasPending) return
    record.synced(rules.family, wallTime(), durationMs, batch?.triggerTimes ?? [])
    // What came in meanwhile was not carried by this sync and still waits.
    if (hasPending) this.markQueued()
  }
}

/** Two batches as one; what is undefined adds nothing. */
function mergeBatches(first: ChangeBatch | undefined, second: ChangeBatch | undefined): ChangeBatch | undefined {
  if (first === undefined || second === undefined) return first ?? second
  return {
    queuedAt: Math.min(first.queuedAt, second.queuedAt),
    triggerTimes: [...first.triggerTimes, ...second.triggerTimes],
  }
}
