import { type IpFamily } from '../model/address.js'
import { messageOf } from '../model/failure.js'
import { EMPTY_SNAPSHOT, type ServiceSnapshot } from '../model/snapshot.js'
import { type Proxier } from '../modes/proxier.js'
import { type SnapshotScope, buildSnapshot } from '../snapshot/build-snapshot.js'
import { type ObjectStore } from '../snapshot/object-store.js'
import { NamedTimers } from '../primitives/named-timers.js'
import { OnceReporter } from '../primitives/once-reporter.js'
import { type ChangeBatch, ProgramLoop, type ProgramLoopOptions } from './program-loop.js'

/** Milliseconds that a change waits for others, so that changes that arrive together become one sync. */
const BATCH_DELAY_MS = 5
/**
 * Milliseconds until the next attempt to open listeners that could not be opened: it doubles up to the maximum. The first ones are soon,
 * since a proxy that gives way closes its listeners, and a small range has no other ports.
 */
const FIRST_RETRY_MS = 200
const MAX_RETRY_MS = 5000

export interface SyncLoopOptions extends Omit<ProgramLoopOptions, 'rules' | 'hasPendingChanges' | 'onProgrammed'> {
  readonly store: ObjectStore
  readonly proxier: Proxier
  readonly scope: SnapshotScope
  /** Called when the store is complete. If it returns false, its owner calls `requestSync` once a sync may start. */
  readonly mayStart: () => boolean
  /** Called with each snapshot after the proxier has applied it, also after a retry. */
  readonly onApplied: (snapshot: ServiceSnapshot) => void
}

/**
 * Turns changes in the store into syncs. Each stage reads the whole state when it runs. A change that arrives while a stage runs
 * starts another run, so the last change is never lost:
 *
 *     store changed ─▶ wait 5 ms ─▶ update           sockets and endpoints: at once, always
 *                                     ├─▶ program IPv4     kernel rules: see ProgramLoop; one loop for each
 *                                     └─▶ program IPv6     family, so that neither waits for the other
 */
export class SyncLoop {
  readonly #options: SyncLoopOptions
  readonly #programLoops: readonly ProgramLoop[]
  readonly #timers: NamedTimers<'batch' | 'retry'>
  #snapshot: ServiceSnapshot = EMPTY_SNAPSHOT
  #scope: SnapshotScope
  /** Whether the snapshot was built for another scope. */
  #hasNewScope = false
  readonly #problem = new OnceReporter()
  /** Whether an update has succeeded. */
  #hasApplied = false
  /** When the oldest change that no update has taken yet was queued, in milliseconds of the clock. */
  #queuedAt: number | undefined
  /** The changes that the current update has taken. */
  #updatingBatch: ChangeBatch | undefined
  #updating: Promise<void> | undefined
  #updateRequested = false
  #retryMs = FIRST_RETRY_MS
  #stopped = false

  constructor(options: SyncLoopOptions) {
    this.#options = options
    this.#scope = options.scope
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

  /** The snapshot that the proxier serves. */
  get snapshot(): ServiceSnapshot {
    return this.#snapshot
  }

  /** Starts a sync soon. Call it after every change of the store. */
  readonly requestSync = (): void => {
    if (!this.#options.store.hasSynced || !this.#options.mayStart()) return
    this.#queuedAt ??= this.#options.clock.now()
    for (const loop of this.#programLoops) loop.markQueued()
    this.#timers.set('batch', BATCH_DELAY_MS, () => this.#requestUpdate())
  }

  /** Builds the snapshot for another scope from now on. The next sync brings it into the kernel. */
  changeScope(changes: Partial<SnapshotScope>): void {
    this.#scope = { ...this.#scope, ...changes }
    this.#hasNewScope = true
  }

  /** Checks the rules of a family soon, because another program has changed some. */
  checkRules(family: IpFamily): void {
    for (const loop of this.#programLoops) if (loop.family === family) loop.requestCheck()
  }

  /** Checks the rules of all families now. Resolves when they are correct. */
  async verifyRules(): Promise<void> {
    await Promise.all(this.#programLoops.map(loop => loop.verifyNow()))
  }

  /** Ends the loop. Resolves when no update and no write of rules runs any more. The rules stay in the kernel. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#timers.stop()
    await Promise.all(this.#programLoops.map(loop => loop.stop()))
    await this.#updating
  }

  /** Starts an update. If one runs already, another one follows it. */
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
      this.#options.log.info(4, 'Planned rules')
      // Another program may release the port that a listener could not open.
      if (failed === 0) this.#retryMs = FIRST_RETRY_MS
      else if (!this.#timers.has('retry')) {
        this.#timers.set('retry', Math.min(syncPeriod, this.#retryMs), () => this.#requestUpdate())
        this.#retryMs = Math.min(MAX_RETRY_MS, 2 * this.#retryMs)
      }
    }
    this.#updating = undefined
    // Before the first update that succeeds, the rules that are desired have no Services.
    if (this.#hasApplied) for (const loop of this.#programLoops) loop.finishUpdates()
  }

  /** A proxier rejects if it cannot serve at all, such as without a worker. Then the proxy leaves all as it is, and tries again. */
  async #tryUpdate(): Promise<number> {
    try {
      const { failed } = await this.#options.proxier.update(this.#snapshot)
      this.#hasApplied = true
      this.#problem.clear()
      this.#options.onApplied(this.#snapshot)
      return failed
    } catch (error) {
      // Each retry fails in the same way.
      this.#problem.updateOne(messageOf(error), () =>
        this.#options.log.error('Cannot apply changes; rules stay as they are, trying again', error),
      )
      return 1
    }
  }

  #takeChanges(): ChangeBatch | undefined {
    const { store, record, log } = this.#options
    const queuedAt = this.#queuedAt
    this.#queuedAt = undefined
    const taken = store.takeChanges()
    // Another scope concerns every Service, as another Node does.
    const changes = { ...taken, node: taken.node || this.#hasNewScope }
    this.#hasNewScope = false
    if (changes.services.size + changes.endpoints.size > 0 || changes.node) {
      record.changed(changes.services.size, changes.endpoints.size)
      this.#snapshot = buildSnapshot(store, changes, this.#scope, this.#snapshot)
      if (log.enabled(4)) {
        for (const service of changes.services) log.info(4, 'Service changed', { service })
        for (const service of changes.endpoints) log.info(4, 'Endpoints changed', { service })
      }
    }
    return queuedAt === undefined ? undefined : { queuedAt, triggerTimes: changes.triggerTimes }
  }
}
