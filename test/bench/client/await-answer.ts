import { sharedClockMs } from '../measure/shared-clock.js'
import { askOnce } from './ask-once.js'

/** Less than the second after which a kernel sends a first packet again: who has an answer had it for that one. */
const ATTEMPT_MS = 500
/** Between attempts at the least, in milliseconds: what a time may be wrong by. */
const GAP_MS = 2
/** The gap grows with the time that has passed, so that a long wait costs no more than its precision is worth. */
const GAP_PART = 1 / 200
const MOST_GAP_MS = 50

/** Whom an answer is awaited of: a Pod by its address, or anybody. */
export type AwaitedAnswer = { readonly by: string } | 'anybody'

/**
 * Makes one connection after the other, whether those before have been answered or not, until one has the answer that is awaited.
 * @returns when that one was begun, by the clock that is shared; undefined when none had within `limitMs` milliseconds
 */
export async function awaitAnswer(
  ip: string,
  port: number,
  awaited: AwaitedAnswer,
  limitMs: number,
): Promise<number | undefined> {
  const start = sharedClockMs()
  let found: number | undefined
  while (found === undefined) {
    const at = sharedClockMs()
    if (at - start > limitMs) return undefined
    void askOnce(ip, port, ATTEMPT_MS)
      .catch(() => undefined)
      .then(answer => {
        if (isAwaited(answer, awaited)) found ??= at
      })
    const gap = Math.min(MOST_GAP_MS, Math.max(GAP_MS, (at - start) * GAP_PART))
    await new Promise(resolve => setTimeout(resolve, gap))
  }
  return found
}

function isAwaited(answer: string | undefined, awaited: AwaitedAnswer): boolean {
  return answer !== undefined && (awaited === 'anybody' || answer === awaited.by)
}
