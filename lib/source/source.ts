import { type ObjectStore } from '../snapshot/object-store.js'

/**
 * Where API objects come from. A source fills the store and knows nothing more.
 *
 * Its promise: `replace` with the complete list of each kind it serves once it knows it, then every change. While it
 * cannot reach where objects come from it leaves the store as it is, so that the last known state keeps serving.
 */
export interface Source {
  /**
   * Runs until the signal is aborted; then returns. Rejects with a ProxyFailure only when it can never work (a
   * kubeconfig that cannot be read, say); what may pass is logged and tried again.
   */
  run(into: ObjectStore, signal: AbortSignal): Promise<void>
}
