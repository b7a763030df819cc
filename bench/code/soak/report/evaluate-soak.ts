import { type Tally } from '../client/tally.js'
import { type SoakResults, findErrorLines, warmUpSeconds } from '../soak-results.js'
import { type Growth, computeGrowth } from './growth.js'
import { ALL_SERIES, type Series, computeAllowedGrowth, buildPoints } from './series.js'

/** One metric of the proxy and its change. */
export interface SeriesGrowth {
  readonly series: Series
  /** The lowest value in the first samples. */
  readonly first: number
  readonly growth: Growth
}

export interface SoakVerdict {
  readonly series: readonly SeriesGrowth[]
  /** The reasons why it has not passed, one sentence each; empty if it has passed. */
  readonly failures: readonly string[]
}

/** Number of first samples whose lowest value is the start value. */
const FIRST_SAMPLES = 10

/** Judges the results of a soak. */
export function evaluateSoak(results: SoakResults): SoakVerdict {
  const { minutes, samples, tallies } = results
  const errorLines = findErrorLines(results)
  const from = warmUpSeconds(minutes)
  const series = ALL_SERIES.flatMap((each): SeriesGrowth[] => {
    const points = buildPoints(each, samples)
    const growth = computeGrowth(points, from, computeAllowedGrowth(each, minutes) ?? Infinity)
    const first = Math.min(...points.slice(0, FIRST_SAMPLES).map(({ value }) => value))
    return growth === undefined ? [] : [{ series: each, first, growth }]
  })
  const errors = Object.values(tallies)
    .filter(({ expectsErrors }) => !expectsErrors)
    .reduce((sum, tally) => sum + countErrors(tally), 0)
  const idle = Object.entries(tallies).filter(([, { done }]) => done === 0)
  const restarts = Math.max(...samples.map(({ metrics }) => metrics?.restarts ?? 0))
  return {
    series,
    failures: [
      ...(errors > 0 ? [`${errors} errors without a dead endpoint as cause`] : []),
      ...idle.map(([name]) => `"${name}" has done no work`),
      ...(restarts > 0 ? [`${restarts} workers exited and were replaced`] : []),
      ...(errorLines.length > 0 ? [`${errorLines.length} lines of the log report errors`] : []),
      ...ALL_SERIES.filter(each => !series.some(known => known.series === each)).map(
        ({ title }) => `too few samples of ${title}`,
      ),
      ...series.filter(({ growth }) => growth.grows).map(({ series: { title } }) => `${title}: grows`),
    ],
  }
}

export function countErrors({ errors }: Tally): number {
  return Object.values(errors).reduce((sum, count) => sum + count, 0)
}
