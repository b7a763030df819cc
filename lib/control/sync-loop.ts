import { type Clock } from '../model/clock.js'
import { type Log } from '../model/log.js'
import { EMPTY_SNAPSHOT, type ServiceSnapshot } from '../model/snapshot.js'
import { type Proxier } from '../modes/proxier.js'
import { type SyncRecord } from '../observe/sync-record.js'
import { type SnapshotScope, buildSnapshot } from '../snapshot/build-snapshot.js'
import { type ObjectStore } from '../snapshot/object-store.js'
import { RateLimit } from './rate-limit.js'

/** Rules may be written twice in a row before the minimum period counts, as with kube-proxy. */
const BURST = 2
/** Milliseconds that a change waits for others that come with it. */
const GATHER_MS = 5
/** Back-off after a failure, in milliseconds: doubles from the first up to the sync period. */
const FIRST_RETRY_MS = 1000

type TimerName = 'gather' | 'program' | 'verify' | 'retry'

/** Changes on their way from the store to the kernel. */
interface Batch {
  /** When the first of them was queued, by the clock. */
  readonly queuedAt: number
  readonly triggerTimes: readonly number[]
}

export interface SyncLoopOptions {
  readonly store: ObjectStore
  readonly proxier: Proxier
  readonly scope: SnapshotScope
  readonly clock: Clock
  /** Milliseconds since 1970. */
  readonly wallTime: () => number
  readonly record: SyncRecord
  readonly log: Log
  /** Milliseconds; see KubeProxyConfig. */
  readonly syncPeriod: number
  readonly minSyncPeriod: number
}

/**
 * Turns changes in the store into syncs. Both stages look at the whole state when they run, so a change that comes while
 * one runs only means another run, and the last change is never lost:
 *
 *     store changed ─▶ gather 5 ms ─▶ update      sockets and endpoints: at once, always
 *                                       └─▶ program     kernel rules: only if they differ, at most every minSyncPeriod;
 *                                                        and verified every syncPeriod
 */
export class SyncLoop {
  readonly #options: SyncLoopOptions
  readonly #limit: RateLimit
  #snapshot: ServiceSnapshot = EMPTY_SNAPSHOT
  /** When the first change was queued that no update has taken yet. */
  #queuedAt: number | undefined
  /** What the update that runs has taken. */
  #underUpdate: Batch | undefined
  /** What updates have carried out, and no program yet. */
  #updated: Batch | undefined
  #updating: Promise<void> | undefined
  #updateWanted = false
  #programming: Promise<void> | undefined
  #verifyWanted = false
  #failures = 0
  #stopped = false
  readonly #timers = new Map<TimerName, () => void>()

  constructor(options: SyncLoopOptions) {
    this.#options = options
    this.#limit = new RateLimit(options.minSyncPeriod, BURST)
  }

  /** The snapshot that is being served. */
  get snapshot(): ServiceSnapshot {
    return this.#snapshot
  }

  /** To be called at every change of the store. */
  readonly changed = (): void => {
    if (!this.#options.store.hasSynced) return
    this.#queuedAt ??= this.#options.clock.now()
    this.#tellQueued()
    this.#after('gather', GATHER_MS, () => this.#update())
  }

  /** Ends the loop; resolves when neither an update nor a write of rules is under way any more. Rules stay as they are. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const cancel of this.#timers.values()) cancel()
    this.#timers.clear()
    await this.#programming
    await this.#updating
  }

  /** Has an update run; while one runs, another one after it. */
  #update(): void {
    this.#updateWanted = true
    this.#updating ??= this.#runUpdates()
  }

  async #runUpdates(): Promise<void> {
    const { proxier } = this.#options
    while (this.#updateWanted && !this.#stopped) {
      this.#updateWanted = false
      const taken = this.#takeChanges()
      this.#underUpdate = taken
      const { failed } = await proxier.update(this.#snapshot)
      this.#underUpdate = undefined
      this.#updated = joined(this.#updated, taken)
      if (failed > 0) this.#retryUpdate()
    }
    this.#updating = undefined
    if (proxier.rulesPending || this.#verifyWanted) this.#scheduleProgram()
    else if (this.#programming === undefined) this.#finishWithoutProgram()
  }

  #takeChanges(): Batch | undefined {
    const { store, scope, record, log } = this.#options
    const queuedAt = this.#queuedAt
    this.#queuedAt = undefined
    const changes = store.takeChanges()
    if (changes.services.size + changes.endpoints.size > 0 || changes.node) {
      record.changed(changes.services.size, changes.endpoints.size)
      this.#snapshot = buildSnapshot(store, changes, scope, this.#snapshot)
      if (log.enabled(4)) {
        for (const service of changes.services) log.info(4, 'Service changed', { service })
        for (const service of changes.endpoints) log.info(4, 'Endpoints changed', { service })
      }
    }
    return queuedAt === undefined ? undefined : { queuedAt, triggerTimes: changes.triggerTimes }
  }

  #scheduleProgram(): void {
    // After a failure nothing but the retry writes: a stream of changes must not undo the back-off.
    const backingOff = this.#failures > 0 && this.#timers.has('verify')
    if (this.#programming !== undefined || this.#timers.has('program') || backingOff) return
    this.#after('program', this.#limit.wait(this.#options.clock.now()), () => {
      this.#programming = this.#program()
    })
  }

  async #program(): Promise<void> {
    const { proxier, clock, record, scope, log, syncPeriod } = this.#options
    const verify = this.#verifyWanted
    this.#verifyWanted = false
    const pending = proxier.rulesPending
    const carried = this.#updated
    this.#updated = undefined
    const startedAt = clock.now()
    this.#limit.take(startedAt)
    try {
      const { changed, rules } = await proxier.program(verify)
      this.#failures = 0
      for (const family of scope.families) record.rulesWritten(family, rules)
      const ms = clock.now() - startedAt
      log.info(2, 'Synced rules', { changed, servicePorts: this.#snapshot.ports.size, ms: Math.round(ms) })
      const onlyTheirs = !pending && this.#updated === undefined
      if (verify && changed && onlyTheirs) log.warn('Rules had been changed by somebody else and were repaired')
      this.#tellSynced(carried, ms)
      this.#after('verify', syncPeriod, () => this.#verify())
    } catch (error) {
      this.#updated = joined(carried, this.#updated)
      for (const family of scope.families) record.restoreFailed(family)
      const retryMs = Math.min(syncPeriod, FIRST_RETRY_MS * 2 ** this.#failures++)
      log.error('Rules could not be written: the last ones stay in force', error, { retryMs })
      this.#cancel('verify')
      this.#after('verify', retryMs, () => this.#verify())
    } finally {
      this.#programming = undefined
    }
    // Listeners that only the old rules led to can be closed now, and what changed meanwhile may want rules again.
    if (!this.#stopped) this.#update()
  }

  /** Reads the rules before trusting them again: some time has passed, or a write has failed. */
  #verify(): void {
    this.#verifyWanted = true
    this.#scheduleProgram()
  }

  /** An update that asks for no rules is a sync by itself. */
  #finishWithoutProgram(): void {
    const updated = this.#updated
    if (updated === undefined) return
    this.#updated = undefined
    this.#tellSynced(updated, this.#options.clock.now() - updated.queuedAt)
  }

  #tellSynced(batch: Batch | undefined, durationMs: number): void {
    const { record, scope, wallTime } = this.#options
    const waits = (this.#queuedAt ?? this.#underUpdate ?? this.#updated) !== undefined
    // A verification that carried nothing settles nothing, or an update that never ends would never be noticed.
    if (batch === undefined && waits) return
    for (const family of scope.families) record.synced(family, wallTime(), durationMs, batch?.triggerTimes ?? [])
    // What came in meanwhile was not carried by this sync and still waits.
    if (waits) this.#tellQueued()
  }

  #tellQueued(): void {
    const { record, scope, wallTime } = this.#options
    for (const family of scope.families) record.queued(family, wallTime())
  }

  /** Some listener could not be opened: tried again soon, since what was in the way may go. */
  #retryUpdate(): void {
    this.#after('retry', Math.min(this.#options.syncPeriod, FIRST_RETRY_MS * 5), () => this.#update())
  }

  #cancel(name: TimerName): void {
    this.#timers.get(name)?.()
    this.#timers.delete(name)
  }

  /** One timer of a name at a time: a second call while it runs changes nothing. */
  #after(name: TimerName, ms: number, action: () => void): void {
    if (this.#stopped || this.#timers.has(name)) return
    const cancel = this.#options.clock.after(ms, () => {
      this.#timers.delete(name)
      action()
    })
    this.#timers.set(name, cancel)
  }
}

function joined(first: Batch | undefined, second: Batch | undefined): Batch | undefined {
  if (first === undefined || second === undefined) return first ?? second
  return {
    queuedAt: Math.min(first.queuedAt, second.queuedAt),
    triggerTimes: [...first.triggerTimes, ...second.triggerTimes],
  }
}
