import { type Metric } from '../loads/load.js'
import { type TimeLimitExceeded } from '../time-limit-exceeded.js'
import { type Sample } from './results.js'

const PER_SECOND: Readonly<Record<string, number>> = { s: 1, ms: 1000, µs: 1e6 }

/** What is known of times that took too long: the limit, and that they are larger. @param metrics in units of time */
export function timedOutSample(metrics: readonly Metric[], { limitMs }: TimeLimitExceeded): Sample {
  const values = metrics.map(({ name, unit }) => [name, (limitMs / 1000) * PER_SECOND[unit]!] as const)
  return { values: Object.fromEntries(values), over: metrics.map(({ name }) => name), errors: [] }
}

/** Whether some of the samples say of a number only that it is larger. */
export function isTimedOut(samples: readonly Sample[], metric: string): boolean {
  return samples.some(({ over }) => over?.includes(metric) === true)
}
