import { type ObjectStore } from '../snapshot/object-store.js'

/**
 * Delivers API objects to the store.
 *
 * A source calls `replace` with the complete list of each kind when it has the list, and then reports every change. While it
 * cannot read objects, it does not change the store, so that the proxy keeps serving the last known state.
 */
export interface Source {
  /** Milliseconds since the source has last made sure that the store has the current state; 0 if it always knows. */
  readonly ageMs: number
  /**
   * Runs until the signal is aborted. Rejects with a ProxyFailure only if it can never work, such as with an invalid manifest.
   * It logs temporary failures and tries again.
   */
  run(into: ObjectStore, signal: AbortSignal): Promise<void>
}
