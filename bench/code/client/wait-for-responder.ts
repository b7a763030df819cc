import { sharedClockMs } from '../measure/shared-clock.js'
import { requestOnce } from './request-once.js'

/** Less than the second after which a kernel sends a first packet again: who has an answer had it for that one. */
const ATTEMPT_TIMEOUT_MS = 500
/** Between attempts at the least, in milliseconds: what a time may be wrong by. */
const MIN_INTERVAL_MS = 2
/** The gap grows with the time that has passed, so that a long wait costs no more than its precision is worth. */
const INTERVAL_FRACTION = 1 / 200
const MAX_INTERVAL_MS = 50

/** Whom an answer is awaited of: a Pod by its address, or anybody. */
export type ExpectedResponder = { readonly by: string } | 'any'

/**
 * Makes one connection after the other, whether those before have been answered or not, until one has the answer that is awaited.
 * @returns when that one was begun, by the clock that is shared; undefined when none had within `limitMs` milliseconds
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
