/** What several samples of one number come to. */
export interface Summary {
  readonly median: number
  readonly lowest: number
  readonly highest: number
  readonly count: number
}

/** @returns undefined when there is no sample */
export function summarize(values: readonly number[]): Summary | undefined {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b)
  const middle = sorted.length >> 1
  if (sorted.length === 0) return undefined
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
  return { median, lowest: sorted[0]!, highest: sorted.at(-1)!, count: sorted.length }
}

/** How far samples lie apart: half of their range, as a part of the median. */
export function spread({ median, lowest, highest }: Summary): number {
  return median === 0 ? 0 : (highest - lowest) / 2 / Math.abs(median)
}

export type Verdict = 'stretch' | 'met' | 'missed'

/** Whether a ratio reaches what is wanted of it: above it where higher is better, below it otherwise. */
export function reaches(ratio: number, wanted: number, better: 'higher' | 'lower'): boolean {
  return better === 'higher' ? ratio >= wanted : ratio <= wanted
}
