import { type SyncObserver } from './sync-record.js'

/** Tells several listeners of the sync loop's work, each only what it has a method for. */
export function combineSyncObservers(...observers: readonly Partial<SyncObserver>[]): SyncObserver {
  return {
    queued: (...told) => observers.forEach(listener => listener.queued?.(...told)),
    changed: (...told) => observers.forEach(listener => listener.changed?.(...told)),
    synced: (...told) => observers.forEach(listener => listener.synced?.(...told)),
    rulesWritten: (...told) => observers.forEach(listener => listener.rulesWritten?.(...told)),
    restoreFailed: (...told) => observers.forEach(listener => listener.restoreFailed?.(...told)),
  }
}
