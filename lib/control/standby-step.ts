/** What a process knows whose proxy has given way to another one. */
export interface StandbyFacts {
  /** Whether the other one runs, has ended in order after it had served, or was lost before. */
  readonly successor: 'here' | 'ended' | 'lost'
  /** Whether no other proxy serves this node either: a third one may have taken over meanwhile. */
  readonly isNameFree: boolean
  /** Whether that third one serves: its rules are in the kernel. */
  readonly isThirdServing: boolean
  /** Whether this process has to end. */
  readonly hasToEnd: boolean
  /** Whether no connection is open here any more. */
  readonly isDrained: boolean
  /** Whether the time for an end is over. */
  readonly isTimeOver: boolean
}

/** What it does. */
export type StandbyStep = 'wait' | 'serve again' | 'end'

/**
 * What a proxy that has given way does next. One that has to end serves again nevertheless if its successor was lost: the rules in
 * the kernel would lead to a process that no longer exists, and only a proxy that serves can have the kernel take over, or clean up.
 */
export function standbyStep(facts: StandbyFacts): StandbyStep {
  const { successor, isNameFree, isThirdServing, hasToEnd, isDrained, isTimeOver } = facts
  if (isTimeOver) return 'end'
  const isNeeded = hasToEnd ? successor === 'lost' && !isThirdServing : successor !== 'here'
  if (isNeeded) return isNameFree ? 'serve again' : 'wait'
  return hasToEnd && isDrained ? 'end' : 'wait'
}
