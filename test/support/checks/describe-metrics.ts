import { parseMetrics } from '../../observe/metrics-text.js'
import { readSeries } from './metric-selectors.js'

/** A metric as a scrape describes it. */
export interface DescribedMetric {
  readonly name: string
  readonly type: string
  readonly help: string
  /** In the order of the alphabet, without `le`; those of the series that there are. */
  readonly labels: readonly string[]
  /** The upper bounds of a histogram's buckets as they are printed, with `+Inf`; otherwise none. */
  readonly buckets: readonly string[]
}

/** Reads names, types, labels and buckets from the text of a scrape. */
export function describeMetrics(text: string): readonly DescribedMetric[] {
  const { types, series } = parseMetrics(text)
  const labels = new Map<string, Set<string>>()
  const buckets = new Map<string, Set<string>>()
  const add = (sets: Map<string, Set<string>>, metric: string, value: string): void => {
    sets.set(metric, (sets.get(metric) ?? new Set()).add(value))
  }
  for (const each of series.keys()) {
    const { name, labels: found } = readSeries(each)
    const metric = types.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '')
    for (const [label, value] of Object.entries(found))
      if (label === 'le') add(buckets, metric, value)
      else add(labels, metric, label)
  }
  return [...types].map(([name, type]) => ({
    name,
    type,
    help: new RegExp(`^# HELP ${name} (.*)$`, 'm').exec(text)?.[1] ?? '',
    labels: [...(labels.get(name) ?? [])].sort(),
    buckets: [...(buckets.get(name) ?? [])],
  }))
}
