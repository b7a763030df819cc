import { isLasting } from '../model/failure.js'
import { pause } from '../primitives/pause.js'
import { realClock } from './real-clock.js'

/** How often to try, and how long to wait in between, in milliseconds: a shortage of memory or processes often ends in seconds. */
const ATTEMPTS = 5
const PAUSE_MS = 1000

/**
 * Tries again, with pauses, what fails for a reason that may pass.
 * @param mayPass whether another attempt is worth it; left out: unless the failure lasts
 * @throws the error of the last attempt, or one that does not pass
 */
export async function retryTransient<T>(
  attempt: () => Promise<T>,
  mayPass: (error: unknown) => boolean = error => !isLasting(error),
): Promise<T> {
  for (let attempts = 1; ; attempts++) {
    try {
      return await attempt()
    } catch (error) {
      if (!mayPass(error) || attempts === ATTEMPTS) throw error
      await pause(realClock, PAUSE_MS)
    }
  }
}
