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
  #triggerTimes: number[] = []
  #oldestQueued: number | undefined
  #updating = false
  #updateAgain = false
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
    const { store, record, scope, clock, wallTime } = this.#options
    if (!store.hasSynced) return
    this.#oldestQueued ??= clock.now()
    for (const family of scope.families) record.queued(family, wallTime())
    this.#after('gather', GATHER_MS, () => void this.#update())
  }

  /** Ends the loop; resolves when no write of rules is under way any more. Rules stay as they are. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const cancel of this.#timers.values()) cancel()
    this.#timers.clear()
    await this.#programming
  }

  async #update(): Promise<void> {
    if (this.#updating) {
      this.#updateAgain = true
      return
    }
    this.#updating = true
    do {
      this.#updateAgain = false
      this.#takeChanges()
      const { failed } = await this.#options.proxier.update(this.#snapshot)
      if (failed > 0) this.#retryUpdate()
    } while (this.#updateAgain && !this.#stopped)
    this.#updating = false
    if (this.#options.proxier.rulesPending) this.#scheduleProgram()
    else if (this.#programming === undefined) this.#succeeded()
  }

  #takeChanges(): void {
    const { store, scope, record, log } = this.#options
    const changes = store.takeChanges()
    if (changes.services.size + changes.endpoints.size === 0 && !changes.node) return
    record.changed(changes.services.size, changes.endpoints.size)
    this.#triggerTimes.push(...changes.triggerTimes)
    this.#snapshot = buildSnapshot(store, changes, scope, this.#snapshot)
    if (log.enabled(4)) {
      for (const service of changes.services) log.info(4, 'Service changed', { service })
      for (const service of changes.endpoints) log.info(4, 'Endpoints changed', { service })
    }
  }

  #scheduleProgram(): void {
    if (this.#programming !== undefined || this.#timers.has('program')) return
    this.#after('program', this.#limit.wait(this.#options.clock.now()), () => (this.#programming = this.#program()))
  }

  async #program(): Promise<void> {
    const { proxier, clock, record, scope, log, syncPeriod } = this.#options
    const verify = this.#verifyWanted
    this.#verifyWanted = false
    this.#limit.take(clock.now())
    const startedAt = clock.now()
    try {
      const { changed, rules } = await proxier.program(verify)
      this.#failures = 0
      for (const family of scope.families) record.rulesWritten(family, rules)
      log.info(2, 'Synced rules', {
        changed,
        servicePorts: this.#snapshot.ports.size,
        ms: Math.round(clock.now() - startedAt),
      })
      if (verify && changed) log.warn('Rules had been changed by somebody else and were repaired')
      this.#succeeded(startedAt)
      this.#after('verify', syncPeriod, () => this.#verify())
    } catch (error) {
      for (const family of scope.families) record.restoreFailed(family)
      const retryMs = Math.min(syncPeriod, FIRST_RETRY_MS * 2 ** this.#failures++)
      log.error('Rules could not be written: the last ones stay in force', error, { retryMs })
      this.#cancel('verify')
      this.#after('verify', retryMs, () => this.#verify())
    } finally {
      this.#programming = undefined
    }
    // Listeners that only the old rules led to can be closed now, and what changed meanwhile may want rules again.
    if (!this.#stopped) await this.#update()
  }

  /** Reads the rules before trusting them again: some time has passed, or a write has failed. */
  #verify(): void {
    this.#verifyWanted = true
    this.#scheduleProgram()
  }

  #succeeded(startedAt?: number): void {
    const { record, scope, clock, wallTime } = this.#options
    const since = startedAt ?? this.#oldestQueued ?? clock.now()
    for (const family of scope.families) record.synced(family, wallTime(), clock.now() - since, this.#triggerTimes)
    this.#triggerTimes = []
    this.#oldestQueued = undefined
    // What came in meanwhile was not carried by this sync and still waits.
    if (!this.#timers.has('gather') && !this.#updating) return
    this.#oldestQueued = clock.now()
    for (const family of scope.families) record.queued(family, wallTime())
  }

  /** Some listener could not be opened: tried again soon, since what was in the way may go. */
  #retryUpdate(): void {
    this.#after('retry', Math.min(this.#options.syncPeriod, FIRST_RETRY_MS * 5), () => void this.#update())
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
