import { type SyncRecord } from './sync-record.js'

/** Tells several listeners of the sync loop's work, each only what it has a method for. */
export function forwardSyncRecord(...listeners: readonly Partial<SyncRecord>[]): SyncRecord {
  return {
    queued: (...told) => listeners.forEach(listener => listener.queued?.(...told)),
    changed: (...told) => listeners.forEach(listener => listener.changed?.(...told)),
    synced: (...told) => listeners.forEach(listener => listener.synced?.(...told)),
    rulesWritten: (...told) => listeners.forEach(listener => listener.rulesWritten?.(...told)),
    restoreFailed: (...told) => listeners.forEach(listener => listener.restoreFailed?.(...told)),
  }
}
