import { type IpFamily } from '../model/address.js'

/** Rules of one table after a write: how many are ours, and how many the last write carried. */
export interface RuleCounts {
  readonly table: string
  readonly owned: number
  readonly written: number
}

/**
 * What the sync loop reports about its work, in kube-proxy's terms. It only observes: nothing that it does changes the node.
 * Times are milliseconds: durations as such, points in time since 1970.
 */
export interface SyncObserver {
  /** A change was queued that the kernel does not know yet. */
  queued(family: IpFamily, at: number): void
  /** Changes of Services and of endpoints that came in. */
  changed(services: number, endpoints: number): void
  /** A sync of one family succeeded; `triggerTimes` are those of the changes it carried. */
  synced(family: IpFamily, at: number, durationMs: number, triggerTimes: readonly number[]): void
  /** Rules were written. */
  rulesWritten(family: IpFamily, counts: readonly RuleCounts[]): void
  /** A write of rules failed. */
  restoreFailed(family: IpFamily): void
}

/** Several observers as one; each hears only what it has a method for. */
export function combineSyncObservers(...observers: readonly Partial<SyncObserver>[]): SyncObserver {
  return {
    queued: (...args) => observers.forEach(observer => observer.queued?.(...args)),
    changed: (...args) => observers.forEach(observer => observer.changed?.(...args)),
    synced: (...args) => observers.forEach(observer => observer.synced?.(...args)),
    rulesWritten: (...args) => observers.forEach(observer => observer.rulesWritten?.(...args)),
    restoreFailed: (...args) => observers.forEach(observer => observer.restoreFailed?.(...args)),
  }
}
