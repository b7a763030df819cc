import { type IpFamily } from '../model/address.js'
import { type Clock } from '../model/clock.js'
import { type Log } from '../model/log.js'
import { type KernelRules } from '../modes/proxier.js'
import { type SyncExtent, type SyncObserver } from '../observe/sync-observer.js'
import { NamedTimers } from '../primitives/named-timers.js'
import { TimeBudget } from '../primitives/time-budget.js'
import { TokenBucket } from '../primitives/token-bucket.js'
import { type ModeSwitch } from './mode-switch.js'

/** Rules may be written twice in a row before the minimum period applies, as in kube-proxy. */
const BURST = 2
/** First pause after a failure, in milliseconds. It doubles with each failure, up to the sync period. */
const FIRST_RETRY_MS = 1000

/** A check waits until another program has changed no rule for so long: most programs make several changes that belong together. */
const QUIET_MS = 100
/** It waits no longer than this. Also the least time between two such checks, and how long one waits where a check takes long. */
const REACTION_PERIOD_MS = 500
/**
 * Such checks take 2 % of the time at most in the long run: a program that edits our rules all the time must not have us repair them
 * without end. They may take a second at once, so that each of a few edits is repaired soon.
 */
const REACTION_SHARE = 0.02
const REACTION_RESERVE_MS = 1000

/** Changes on their way from the store to the kernel. */
export interface ChangeBatch {
  /** When the first of them was queued, in milliseconds of the clock. */
  readonly queuedAt: number
  /** When they were made, for objects that contain this time: ms since 1970. */
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
  /** Milliseconds between checks of the rules for changes by other programs. */
  readonly checkPeriod: number
  /** Whether there are changes that no update has applied yet. */
  readonly hasPendingChanges: () => boolean
  /** Called after each attempt to write rules, because other work may depend on the result. */
  readonly onProgrammed: () => void
}

/**
 * Keeps the kernel rules of one IP family correct. It writes them when an update has left them pending, at most once per
 * minSyncPeriod. It checks them every checkPeriod, and soon after another program has changed them, and repairs what differs. After a
 * failure it tries again with growing pauses; changes that arrive in a pause do not shorten it.
 */
export class ProgramLoop {
  readonly #options: ProgramLoopOptions
  readonly #bucket: TokenBucket
  readonly #timers: NamedTimers<'program' | 'verify' | 'react'>
  /** Changes that updates have applied, but that no write of rules has completed. */
  #updatedBatch: ChangeBatch | undefined
  #programming: Promise<void> | undefined
  /** Whether an update has said what to serve. Before that, a write would remove the rules that an earlier process left. */
  #hasUpdate = false
  /** Whether a write has succeeded since the start. The first one compares all rules with those of an earlier process. */
  #hasProgrammed = false
  #verifyRequested = false
  /** Each resolves when a check that starts later has succeeded. */
  #waiting: (() => void)[] = []
  #failures = 0
  #lastCheckMs = 0
  readonly #reactions: TimeBudget
  #lastReactionAt = -Infinity
  /** When the first change by another program came that no check has seen. */
  #changedAt = 0

  constructor(options: ProgramLoopOptions) {
    this.#options = options
    this.#bucket = new TokenBucket({ burst: BURST, refillMs: options.minSyncPeriod })
    this.#reactions = new TimeBudget({
      share: REACTION_SHARE,
      reserveMs: REACTION_RESERVE_MS,
      maxWaitMs: options.checkPeriod,
    })
    this.#timers = new NamedTimers(options.clock)
  }

  get family(): IpFamily {
    return this.#options.rules.family
  }

  /** Reports that a change waits for a sync. */
  markQueued(): void {
    const { record, rules, wallTime } = this.#options
    record.queued(rules.family, wallTime())
  }

  /** Adds changes that an update has applied. If they need no write of rules, they are synced already. */
  addUpdated(batch: ChangeBatch | undefined): void {
    this.#updatedBatch = mergeBatches(this.#updatedBatch, batch)
  }

  /** Ends a series of updates. Writes the rules if they are pending or must be verified; otherwise the updates were the sync. */
  finishUpdates(): void {
    this.#hasUpdate = true
    if (this.#options.rules.pending || this.#verifyRequested) this.#schedule()
    else if (this.#programming === undefined) this.#finishWithoutProgram()
  }

  /** Checks the rules soon, because another program has changed some. */
  requestCheck(): void {
    const { clock } = this.#options
    // The first write checks the rules then.
    if (!this.#hasUpdate) return void (this.#verifyRequested = true)
    const now = clock.now()
    if (this.#timers.has('react')) this.#timers.cancel('react')
    else this.#changedAt = now
    const delayMs = Math.max(this.#reactionDelay(now), this.#reactions.wait(now))
    this.#timers.set('react', delayMs, () => {
      this.#lastReactionAt = clock.now()
      this.#reactions.spend(this.#lastReactionAt, this.#lastCheckMs)
      // After a failure, the retry checks the rules.
      if (this.#failures > 0) return
      // The regular check comes at its time all the same: only that one reads what takes long to read.
      this.#verify()
    })
  }

  /** Checks the rules now, because another proxy that has just given way may have changed them. Resolves when they are correct. */
  verifyNow(): Promise<void> {
    return new Promise(resolve => {
      this.#waiting.push(resolve)
      if (this.#hasUpdate) this.#verify()
      else this.#verifyRequested = true
    })
  }

  /** Ends the loop. Resolves when no write of rules runs any more. The rules stay in the kernel. */
  async stop(): Promise<void> {
    this.#timers.stop()
    await this.#programming
  }

  #reactionDelay(now: number): number {
    const quietMs = this.#reactions.covers(now, this.#lastCheckMs) ? QUIET_MS : REACTION_PERIOD_MS
    const dueAt = Math.min(now + quietMs, this.#changedAt + REACTION_PERIOD_MS)
    return Math.max(dueAt, this.#lastReactionAt + REACTION_PERIOD_MS) - now
  }

  #schedule(): void {
    // After a failure only the retry may write: a stream of changes must not defeat the back-off.
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
    const waiting = verify ? this.#waiting.splice(0) : []
    const pending = rules.pending
    const batch = this.#updatedBatch
    this.#updatedBatch = undefined
    const extent = verify || !this.#hasProgrammed ? 'full' : 'partial'
    const startedAt = clock.now()
    this.#bucket.take(startedAt)
    try {
      const report = await rules.program(verify, () => record.planned(family))
      this.#failures = 0
      this.#hasProgrammed = true
      for (const resolve of waiting) resolve()
      record.rulesWritten(family, report.rules)
      if (report.refused !== undefined) record.refused(family, report.refused)
      modeSwitch.onRulesProgrammed(family)
      const ms = clock.now() - startedAt
      if (verify) this.#lastCheckMs = ms
      const owned = report.rules.reduce((sum, table) => sum + table.owned, 0)
      log.info(verify && !pending && !report.changed ? 4 : 2, 'Synced rules', {
        family,
        changed: report.changed,
        rules: owned,
        ms: Math.round(ms),
        // A change that came during this write.
        pending: rules.pending,
      })
      const noOwnChange = !pending && this.#updatedBatch === undefined
      if (verify && report.changed && noOwnChange)
        log.warn('Another program had changed the rules; repaired them', { family })
      this.#recordSynced(batch, ms, extent)
      this.#timers.set('verify', checkPeriod, () => this.#verify())
    } catch (error) {
      this.#waiting.push(...waiting)
      this.#updatedBatch = mergeBatches(batch, this.#updatedBatch)
      record.restoreFailed(family, extent)
      // This includes a failed verification: the rules are unknown then, so the proxy must not stay healthy forever.
      this.markQueued()
      const retryMs = Math.min(syncPeriod, FIRST_RETRY_MS * 2 ** this.#failures++)
      log.error('Cannot write the rules; the last ones stay in force', error, { family, retryMs })
      this.#timers.cancel('verify')
      this.#timers.set('verify', retryMs, () => this.#verify())
    } finally {
      this.#programming = undefined
    }
    // Listeners that only the old rules used can be closed now. Changes since the start of this write may need another one.
    onProgrammed()
  }

  /** Writes the rules after reading them, because some time has passed or a write has failed. */
  #verify(): void {
    this.#verifyRequested = true
    this.#schedule()
  }

  /** Records a sync for changes that needed no write of rules. */
  #finishWithoutProgram(): void {
    const updated = this.#updatedBatch
    if (updated === undefined) return
    this.#updatedBatch = undefined
    this.#recordSynced(updated, this.#options.clock.now() - updated.queuedAt, 'partial')
  }

  #recordSynced(batch: ChangeBatch | undefined, durationMs: number, extent: SyncExtent): void {
    const { record, rules, wallTime, hasPendingChanges } = this.#options
    const hasPending = hasPendingChanges() || this.#updatedBatch !== undefined
    // A verification without changes must not reset the health timer; otherwise a stuck update would go unnoticed.
    if (batch === undefined && hasPending) return
    record.synced(rules.family, wallTime(), durationMs, batch?.triggerTimes ?? [], extent)
    // Changes that arrived during this sync still wait for the next one.
    if (hasPending) this.markQueued()
  }
}

/** Merges two batches; undefined is an empty batch. */
function mergeBatches(first: ChangeBatch | undefined, second: ChangeBatch | undefined): ChangeBatch | undefined {
  if (first === undefined || second === undefined) return first ?? second
  return {
    queuedAt: Math.min(first.queuedAt, second.queuedAt),
    triggerTimes: [...first.triggerTimes, ...second.triggerTimes],
  }
}
