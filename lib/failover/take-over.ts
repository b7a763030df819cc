import { type Clock } from '../model/clock.js'
import { isLasting } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { type KernelRules } from '../modes/proxier.js'
import { pause } from '../primitives/pause.js'

/** Milliseconds between two attempts. What fails for a moment is a lock that another program holds. */
const PAUSE_MS = 1000

/** The rules of one IP family, which the kernel serves with once they are written. */
export interface TakeOverRules extends Pick<KernelRules, 'family' | 'program'> {
  /** Reads the rules that the write starts from. @throws ProxyFailure */
  start(): Promise<void>
}

export interface TakeOverOptions {
  /** Aborted when this process may write no more. What has begun ends; nothing else begins. */
  readonly abandon: AbortSignal
  readonly clock: Clock
  readonly log: Log
}

/**
 * Writes the rules with which the kernel serves, each family by itself: one that fails does not keep the others from being served. It is
 * tried again until it succeeds, unless it cannot succeed here. Resolves when nothing of this runs any more. It logs failures.
 * @returns whether the kernel serves all families
 */
export async function takeOver(
  families: readonly TakeOverRules[],
  { abandon, clock, log }: TakeOverOptions,
): Promise<boolean> {
  const reported = new Set<TakeOverRules>()
  let missing = families
  let hasLastingFailure = false
  for (;;) {
    const failed: TakeOverRules[] = []
    for (const rules of missing) {
      if (abandon.aborted) return false
      const error = await attempt(rules)
      if (error === undefined) continue
      if (abandon.aborted) return false
      const { family } = rules
      if (!reported.has(rules)) log.error('The kernel cannot take over', error, { family })
      reported.add(rules)
      if (isLasting(error)) hasLastingFailure = true
      else failed.push(rules)
    }
    missing = failed
    if (missing.length === 0) break
    await pause(clock, PAUSE_MS, abandon)
  }
  if (hasLastingFailure) return false
  log.info(0, 'The kernel serves from now on')
  return true
}

/** @returns the error, if it fails */
async function attempt(rules: TakeOverRules): Promise<unknown> {
  try {
    await rules.start()
    await rules.program(false)
    return undefined
  } catch (error) {
    return error
  }
}
