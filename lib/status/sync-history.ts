import { type IpFamily } from '../model/address.js'
import { EMPTY_SNAPSHOT, type ServiceSnapshot } from '../model/snapshot.js'
import { type RuleCounts, type SyncExtent, type SyncObserver } from '../observe/sync-observer.js'

/** One sync of the rules of one IP family. */
export interface SyncView {
  /** Counts syncs from 1. */
  readonly id: number
  /** When it ended, as in RFC 3339. */
  readonly at: string
  readonly family: IpFamily
  readonly outcome: 'done' | 'failed'
  readonly extent: SyncExtent
  /** Null for one that failed. */
  readonly durationMs: number | null
  /** The service ports that it was about, as `namespace/name:portName/protocol`; only the first ones. */
  readonly changed: readonly string[]
  /** How many those were. */
  readonly changedCount: number
  /** Rules by table, if it wrote rules. */
  readonly rules: readonly RuleCounts[]
}

interface FamilyChanges {
  /** Since the last plan; one that changes twice counts once. */
  readonly changed: Set<string>
  /** Those that the write that runs contains. */
  readonly planned: Set<string>
  isPlanned: boolean
  rules: readonly RuleCounts[]
}

/** Syncs that are kept. */
const MAX_SYNCS = 100
/** Names that one sync keeps. */
const MAX_NAMES = 20

/** Remembers the last syncs and what each was about. It costs a comparison of two snapshots for each change. */
export class SyncHistory implements Partial<SyncObserver> {
  readonly #syncs: SyncView[] = []
  readonly #wallTime: () => number
  readonly #onSubscriberFailure: (error: unknown) => void
  readonly #pending: ReadonlyMap<IpFamily, FamilyChanges>
  readonly #subscribers = new Set<(sync: SyncView) => void>()
  #snapshot: ServiceSnapshot = EMPTY_SNAPSHOT
  #count = 0

  /**
   * @param wallTime milliseconds since 1970
   * @param onSubscriberFailure called with what a subscriber throws: it must not fail the write of rules that it hears of
   */
  constructor(families: readonly IpFamily[], wallTime: () => number, onSubscriberFailure: (error: unknown) => void) {
    this.#wallTime = wallTime
    this.#onSubscriberFailure = onSubscriberFailure
    this.#pending = new Map(
      families.map(family => [family, { changed: new Set(), planned: new Set(), isPlanned: false, rules: [] }]),
    )
  }

  /** The last ones, the oldest first. */
  get syncs(): readonly SyncView[] {
    return this.#syncs
  }

  /** Calls `onSync` after each sync. @returns ends that */
  subscribe(onSync: (sync: SyncView) => void): () => void {
    this.#subscribers.add(onSync)
    return () => this.#subscribers.delete(onSync)
  }

  /** The proxier has applied a snapshot. */
  applied(snapshot: ServiceSnapshot): void {
    const before = this.#snapshot
    this.#snapshot = snapshot
    if (before === snapshot) return
    for (const [key, port] of snapshot.ports)
      if (before.ports.get(key) !== port) this.#note(port.servicePort.family, key)
    for (const [key, port] of before.ports) if (!snapshot.ports.has(key)) this.#note(port.servicePort.family, key)
  }

  readonly planned = (family: IpFamily): void => {
    const pending = this.#pending.get(family)
    if (pending === undefined) return
    pending.isPlanned = true
    move(pending.changed, pending.planned)
  }

  readonly rulesWritten = (family: IpFamily, counts: readonly RuleCounts[]): void => {
    const pending = this.#pending.get(family)
    if (pending !== undefined) pending.rules = counts
  }

  readonly synced: SyncObserver['synced'] = (family, at, durationMs, _triggerTimes, extent) =>
    this.#add(family, at, { outcome: 'done', durationMs, extent })

  readonly restoreFailed = (family: IpFamily, extent: SyncExtent): void =>
    this.#add(family, this.#wallTime(), { outcome: 'failed', durationMs: null, extent })

  #note(family: IpFamily, key: string): void {
    // The key begins with the family, which the sync has too.
    this.#pending.get(family)?.changed.add(key.slice(family.length + 1))
  }

  #add(family: IpFamily, at: number, result: Pick<SyncView, 'outcome' | 'durationMs' | 'extent'>): void {
    const pending = this.#pending.get(family)
    if (pending === undefined) return
    // Without a plan nothing had to be written: then it is about all changes.
    if (!pending.isPlanned) move(pending.changed, pending.planned)
    const { planned, changed, rules } = pending
    const sync: SyncView = {
      id: ++this.#count,
      at: new Date(at).toISOString(),
      family,
      ...result,
      durationMs: result.durationMs === null ? null : Math.round(result.durationMs * 10) / 10,
      changed: firstOf(planned, MAX_NAMES),
      changedCount: planned.size,
      rules,
    }
    this.#syncs.push(sync)
    if (this.#syncs.length > MAX_SYNCS) this.#syncs.shift()
    pending.isPlanned = false
    // After a failure, the next sync is about the same changes.
    if (result.outcome === 'failed') move(planned, changed)
    else {
      planned.clear()
      pending.rules = []
    }
    for (const onSync of this.#subscribers) {
      try {
        onSync(sync)
      } catch (error) {
        this.#onSubscriberFailure(error)
      }
    }
  }
}

function move(from: Set<string>, to: Set<string>): void {
  for (const name of from) to.add(name)
  from.clear()
}

function firstOf(names: Iterable<string>, most: number): string[] {
  const first: string[] = []
  for (const name of names) {
    if (first.length === most) break
    first.push(name)
  }
  return first
}
