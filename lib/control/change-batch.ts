/** Changes on their way from the store to the kernel. */
export interface ChangeBatch {
  /** When the first of them was queued, by the clock, in milliseconds. */
  readonly queuedAt: number
  /** When they were made, as far as their objects say: ms since 1970. */
  readonly triggerTimes: readonly number[]
}

/** Two batches as one; what is undefined adds nothing. */
export function mergeBatches(first: ChangeBatch | undefined, second: ChangeBatch | undefined): ChangeBatch | undefined {
  if (first === undefined || second === undefined) return first ?? second
  return {
    queuedAt: Math.min(first.queuedAt, second.queuedAt),
    triggerTimes: [...first.triggerTimes, ...second.triggerTimes],
  }
}
