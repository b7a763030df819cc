import { ProxyFailure } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { type CleanupResult } from './cleanup.js'

/** Logs what a clean-up found and did; the failures that there were are summed up by `cleanupFailure`. */
export function logCleanup(results: readonly CleanupResult[], log: Log): void {
  for (const { target, outcome } of results)
    log.info(0, 'Cleaned up', { ...target, outcome: outcome instanceof ProxyFailure ? 'failed' : outcome })
}
