import { type IpFamily } from '../model/address.js'

/** Rules of one table after a write: how many are ours, and how many the last write carried. */
export interface RuleCounts {
  readonly table: string
  readonly owned: number
  readonly written: number
}

/**
 * What the sync loop tells of its work, in kube-proxy's terms. Times are milliseconds: durations as such, points in time
 * since 1970.
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
