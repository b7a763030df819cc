import { type IpFamily } from '../model/address.js'

/** Rules of one table after a write: how many this proxy owns, and how many the last write contained. */
export interface RuleCounts {
  readonly table: string
  readonly owned: number
  readonly written: number
}

/**
 * How much a sync covers: `full` compares all rules of the proxy with those in the kernel, `partial` applies only what has changed
 * since the last sync.
 */
export type SyncExtent = 'full' | 'partial'

/**
 * What the sync loop reports about its work, in kube-proxy's terms. An observer must not change the node.
 * Times are milliseconds: durations as such, points in time since 1970.
 */
export interface SyncObserver {
  /** A change was queued that is not programmed yet. */
  queued(family: IpFamily, at: number): void
  /** How many changes of Services and of endpoints arrived. */
  changed(services: number, endpoints: number): void
  /** A write of rules has taken what it contains: changes that are applied later belong to a later sync. */
  planned(family: IpFamily): void
  /** A sync of one family succeeded; `triggerTimes` are those of its changes. */
  synced(family: IpFamily, at: number, durationMs: number, triggerTimes: readonly number[], extent: SyncExtent): void
  /** Rules were written. */
  rulesWritten(family: IpFamily, counts: readonly RuleCounts[]): void
  /** How many service ports are not served because the kernel refuses their rules, by cause. */
  refused(family: IpFamily, counts: Readonly<Record<string, number>>): void
  /** A write of rules failed. */
  restoreFailed(family: IpFamily, extent: SyncExtent): void
}

/** Combines several observers into one. Each gets only the calls for which it has a method. */
export function combineSyncObservers(...observers: readonly Partial<SyncObserver>[]): SyncObserver {
  return {
    queued: (...args) => observers.forEach(observer => observer.queued?.(...args)),
    changed: (...args) => observers.forEach(observer => observer.changed?.(...args)),
    planned: (...args) => observers.forEach(observer => observer.planned?.(...args)),
    synced: (...args) => observers.forEach(observer => observer.synced?.(...args)),
    rulesWritten: (...args) => observers.forEach(observer => observer.rulesWritten?.(...args)),
    refused: (...args) => observers.forEach(observer => observer.refused?.(...args)),
    restoreFailed: (...args) => observers.forEach(observer => observer.restoreFailed?.(...args)),
  }
}
