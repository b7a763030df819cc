import { setTimeout as pause } from 'node:timers/promises'
import { ProxyFailure } from '../../model/failure.js'

/** How long a watch waits for the next proxy when one ends: a hand-over or a restart takes less. In milliseconds. */
const GAP_MS = 15_000

/**
 * Asks again and again, also while one proxy ends and the next one begins. It goes on until that fails, or until it is aborted.
 * @param ask rejects with STATUS_UNAVAILABLE while no proxy answers
 * @param periodMs between an answer and the next question
 * @throws what `ask` throws
 */
export async function outliveProxies(ask: () => Promise<void>, periodMs: number, signal?: AbortSignal): Promise<void> {
  let failingSince: number | undefined
  while (await passed(periodMs, signal)) {
    try {
      await ask()
      failingSince = undefined
    } catch (error) {
      failingSince ??= performance.now()
      const isGap = error instanceof ProxyFailure && error.code === 'STATUS_UNAVAILABLE'
      if (!isGap || performance.now() - failingSince > GAP_MS) throw error
    }
  }
}

/** Resolves after a time: with true, or earlier with false if it is aborted before. */
function passed(ms: number, signal: AbortSignal | undefined): Promise<boolean> {
  return pause(ms, true, { ...(signal && { signal }) }).catch(() => false)
}
