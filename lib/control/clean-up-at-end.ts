import { type Log } from '../model/log.js'
import { cleanup, cleanupFailure } from './cleanup.js'
import { logCleanup } from './tell-cleanup.js'

/** Takes all rules along, as `--on-exit=cleanup` wants it. A failure is told: it does not change how the program ends. */
export async function cleanupOnExit(log: Log): Promise<void> {
  const results = await cleanup(log)
  logCleanup(results, log)
  const failure = cleanupFailure(results)
  if (failure !== undefined) log.error('Something is left', failure)
}
