/** The statistics of several samples of one number. */
export interface Summary {
  readonly median: number
  readonly lowest: number
  readonly highest: number
  /** The quartiles: half of the samples are between them. */
  readonly lowerQuartile: number
  readonly upperQuartile: number
  readonly count: number
}

/** @returns undefined without samples */
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

/** Interpolates between two samples. */
function quantile(sorted: readonly number[], part: number): number {
  const place = (sorted.length - 1) * part
  const before = sorted[Math.floor(place)]!
  return before + (sorted[Math.ceil(place)]! - before) * (place % 1)
}

/**
 * The spread of samples: half of the distance between the quartiles, relative to the median. One round that
 * other work on the machine disturbs has little influence.
 */
export function spread({ median, lowerQuartile, upperQuartile }: Summary): number {
  return median === 0 ? 0 : (upperQuartile - lowerQuartile) / 2 / Math.abs(median)
}

/** The smallest difference between two runs of the same program, relative to the value, even if the rounds of each are close. */
export const MIN_NOISE = 0.03

/**
 * How much two medians of the same program can differ, relative to them: about the difference that 19 of 20 pairs of medians of five
 * rounds do not exceed.
 */
export function noise(one: Summary, other: Summary): number {
  return Math.max(MIN_NOISE, 2 * Math.hypot(spread(one), spread(other)))
}

export type Verdict = 'stretch' | 'met' | 'missed'

/** Whether a ratio reaches its target: above it if higher is better, otherwise below it. */
export function meetsTarget(ratio: number, target: number, better: 'higher' | 'lower'): boolean {
  return better === 'higher' ? ratio >= target : ratio <= target
}
