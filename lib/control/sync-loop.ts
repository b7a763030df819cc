import { EMPTY_SNAPSHOT, type ServiceSnapshot } from '../model/snapshot.js'
import { type Proxier } from '../modes/proxier.js'
import { type SnapshotScope, buildSnapshot } from '../snapshot/build-snapshot.js'
import { type ObjectStore } from '../snapshot/object-store.js'
import { NamedTimers } from '../primitives/named-timers.js'
import { type ChangeBatch, ProgramLoop, type ProgramLoopOptions } from './program-loop.js'

/** Milliseconds that a change waits for others that come with it. */
const BATCH_DELAY_MS = 5
/** Milliseconds until listeners that could not be opened are tried again. */
const RETRY_MS = 5000

export interface SyncLoopOptions extends Omit<ProgramLoopOptions, 'rules' | 'hasPendingChanges' | 'onProgrammed'> {
  readonly store: ObjectStore
  readonly proxier: Proxier
  readonly scope: SnapshotScope
  /** Asked once the store is complete: whether anything else is still waited for. Whoever says no calls `changed` later. */
  readonly mayStart: () => boolean
  /** Is handed each snapshot when it has been taken up: for what else is to be known of it. Called again at each retry. */
  readonly onApplied: (snapshot: ServiceSnapshot) => void
}

/**
 * Turns changes in the store into syncs. Both stages look at the whole state when they run, so a change that comes while
 * one runs only means another run, and the last change is never lost:
 *
 *     store changed ─▶ gather 5 ms ─▶ update         sockets and endpoints: at once, always
 *                                       ├─▶ program IPv4     kernel rules: see ProgramLoop; one loop for each
 *                                       └─▶ program IPv6     family, so that neither waits for the other
 */
export class SyncLoop {
  readonly #options: SyncLoopOptions
  readonly #programLoops: readonly ProgramLoop[]
  readonly #timers: NamedTimers<'batch' | 'retry'>
  #snapshot: ServiceSnapshot = EMPTY_SNAPSHOT
  /** When the first change was queued that no update has taken yet. */
  #queuedAt: number | undefined
  /** What the update that runs has taken. */
  #updatingBatch: ChangeBatch | undefined
  #updating: Promise<void> | undefined
  #updateRequested = false
  #stopped = false

  constructor(options: SyncLoopOptions) {
    this.#options = options
    this.#timers = new NamedTimers(options.clock)
    this.#programLoops = options.proxier.rules.map(
      rules =>
        new ProgramLoop({
          ...options,
          rules,
          hasPendingChanges: () => (this.#queuedAt ?? this.#updatingBatch) !== undefined,
          onProgrammed: () => this.#requestUpdate(),
        }),
    )
  }

  /** The snapshot that is being served. */
  get snapshot(): ServiceSnapshot {
    return this.#snapshot
  }

  /** To be called at every change of the store. */
  readonly requestSync = (): void => {
    if (!this.#options.store.hasSynced || !this.#options.mayStart()) return
    this.#queuedAt ??= this.#options.clock.now()
    for (const loop of this.#programLoops) loop.markQueued()
    this.#timers.set('batch', BATCH_DELAY_MS, () => this.#requestUpdate())
  }

  /** Ends the loop; resolves when neither an update nor a write of rules is under way any more. Rules stay as they are. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#timers.stop()
    await Promise.all(this.#programLoops.map(loop => loop.stop()))
    await this.#updating
  }

  /** Has an update run; while one runs, another one after it. */
  #requestUpdate(): void {
    if (this.#stopped) return
    this.#updateRequested = true
    this.#updating ??= this.#runUpdates()
  }

  async #runUpdates(): Promise<void> {
    const { syncPeriod } = this.#options
    while (this.#updateRequested && !this.#stopped) {
      this.#updateRequested = false
      const batch = this.#takeChanges()
      this.#updatingBatch = batch
      const failed = await this.#tryUpdate()
      this.#updatingBatch = undefined
      for (const loop of this.#programLoops) loop.addUpdated(batch)
      // Some listener could not be opened: what was in the way may go.
      if (failed > 0) this.#timers.set('retry', Math.min(syncPeriod, RETRY_MS), () => this.#requestUpdate())
    }
    this.#updating = undefined
    for (const loop of this.#programLoops) loop.finishUpdates()
  }

  /** A proxier does not reject; if it does all the same, that is no reason to stop serving what is served. */
  async #tryUpdate(): Promise<number> {
    try {
      const { failed } = await this.#options.proxier.update(this.#snapshot)
      this.#options.onApplied(this.#snapshot)
      return failed
    } catch (error) {
      this.#options.log.error('Cannot take up changes', error)
      return 1
    }
  }

  #takeChanges(): ChangeBatch | undefined {
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
}
