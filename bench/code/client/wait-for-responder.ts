import { sharedClockMs } from '../measure/shared-clock.js'
import { requestOnce } from './request-once.js'

/** Less than the second after which the kernel repeats a SYN, so that an answer always belongs to the first SYN. */
const ATTEMPT_TIMEOUT_MS = 500
/** Minimum gap between attempts in milliseconds: the precision of the result. */
const MIN_INTERVAL_MS = 2
/** The gap grows with the elapsed time, so that a long wait is not too expensive. */
const INTERVAL_FRACTION = 1 / 200
const MAX_INTERVAL_MS = 50

/** The expected responder: a Pod by its address, or any Pod. */
export type ExpectedResponder = { readonly by: string } | 'any'

/**
 * Opens one connection after the other, even if earlier ones have no answer, until one gets the expected answer.
 * @returns the start of that one by the shared clock; undefined if none got it within `limitMs` milliseconds
 */
export async function waitForResponder(
  ip: string,
  port: number,
  awaited: ExpectedResponder,
  limitMs: number,
): Promise<number | undefined> {
  const start = sharedClockMs()
  let found: number | undefined
  while (found === undefined) {
    const at = sharedClockMs()
    if (at - start > limitMs) return undefined
    void requestOnce(ip, port, ATTEMPT_TIMEOUT_MS)
      .catch(() => undefined)
      .then(answer => {
        if (matchesResponder(answer, awaited)) found ??= at
      })
    const gap = Math.min(MAX_INTERVAL_MS, Math.max(MIN_INTERVAL_MS, (at - start) * INTERVAL_FRACTION))
    await new Promise(resolve => setTimeout(resolve, gap))
  }
  return found
}

function matchesResponder(answer: string | undefined, awaited: ExpectedResponder): boolean {
  return answer !== undefined && (awaited === 'any' || answer === awaited.by)
}
