import { type InspectedHappening } from '../dataplane/inspect-request.js'
import { isFailure } from '../dataplane/wanted-happening.js'

/** What has happened, and what a client gets of it. */
export interface HappeningText {
  readonly row: Pick<InspectedHappening, 'what' | 'end'>
  /** As JSON. */
  readonly text: string
}

/** The texts that fit into one event. */
export interface FittingTexts {
  readonly items: readonly string[]
  /** Whether there was more. */
  readonly isCut: boolean
}

/**
 * The most characters of one event. Each of many busy processes may report hundreds of things at once; together, they must stay well below
 * what the proxy keeps for a client that does not read, or one that reads at once would lose its connection.
 */
export const MAX_EVENT_LENGTH = 400_000

/** Chooses what goes into one event if not all does: failures first, then what went in order. It keeps their order. */
export function fitHappenings(happened: readonly HappeningText[]): FittingTexts {
  const length = happened.reduce((sum, { text }) => sum + text.length + 1, 0)
  if (length <= MAX_EVENT_LENGTH) return { items: happened.map(({ text }) => text), isCut: false }
  const failures = happened.filter(({ row }) => isFailure(row))
  const others = happened.filter(({ row }) => !isFailure(row))
  const fitting = new Set<HappeningText>()
  let left = MAX_EVENT_LENGTH
  for (const each of [...failures, ...others]) {
    left -= each.text.length + 1
    if (left < 0) break
    fitting.add(each)
  }
  return { items: happened.filter(each => fitting.has(each)).map(({ text }) => text), isCut: true }
}
