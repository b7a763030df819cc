/** What several samples of one number come to. */
export interface Summary {
  readonly median: number
  readonly lowest: number
  readonly highest: number
  /** Half of the samples lie between these two. */
  readonly lowerQuartile: number
  readonly upperQuartile: number
  readonly count: number
}

/** @returns undefined when there is no sample */
export function summarize(values: readonly number[]): Summary | undefined {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b)
  if (sorted.length === 0) return undefined
  return {
    median: quantile(sorted, 0.5),
    lowest: sorted[0]!,
    highest: sorted.at(-1)!,
    lowerQuartile: quantile(sorted, 0.25),
    upperQuartile: quantile(sorted, 0.75),
    count: sorted.length,
  }
}

/** Between two samples, as far along as it is. */
function quantile(sorted: readonly number[], part: number): number {
  const place = (sorted.length - 1) * part
  const before = sorted[Math.floor(place)]!
  return before + (sorted[Math.ceil(place)]! - before) * (place % 1)
}

/**
 * How far samples lie apart: half of the distance between the quartiles, as a part of the median. One round that something
 * else on the machine has spoilt does not make the others look bad.
 */
export function spread({ median, lowerQuartile, upperQuartile }: Summary): number {
  return median === 0 ? 0 : (upperQuartile - lowerQuartile) / 2 / Math.abs(median)
}

/** No two runs of the same are nearer to each other than this part of them, however close their rounds came out. */
export const MIN_NOISE = 0.03

/**
 * By how much of them two medians may differ while both are of the same thing: about what 19 in 20 pairs of medians of five
 * rounds stay below.
 */
export function noise(one: Summary, other: Summary): number {
  return Math.max(MIN_NOISE, 2 * Math.hypot(spread(one), spread(other)))
}

export type Verdict = 'stretch' | 'met' | 'missed'

/** Whether a ratio reaches what is wanted of it: above it where higher is better, below it otherwise. */
export function meetsTarget(ratio: number, wanted: number, better: 'higher' | 'lower'): boolean {
  return better === 'higher' ? ratio >= wanted : ratio <= wanted
}
