import { type Metric } from '../loads/load.js'
import { type TimeLimitExceeded } from '../time-limit-exceeded.js'
import { type Sample } from './results.js'

const PER_SECOND: Readonly<Record<string, number>> = { s: 1, ms: 1000, µs: 1e6 }

/** The values of times that exceeded their limit: the limit, marked as "larger". @param metrics in units of time */
export function timedOutSample(metrics: readonly Metric[], { limitMs }: TimeLimitExceeded): Sample {
  const values = metrics.map(({ name, unit }) => [name, (limitMs / 1000) * PER_SECOND[unit]!] as const)
  return { values: Object.fromEntries(values), over: metrics.map(({ name }) => name), errors: [] }
}

/** Whether some samples of a number exceeded the limit. */
export function isTimedOut(samples: readonly Sample[], metric: string): boolean {
  return samples.some(({ over }) => over?.includes(metric) === true)
}
