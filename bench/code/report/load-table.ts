import { type Contender } from '../contenders/contender.js'
import { type Load } from '../loads/load.js'
import { formatSummary } from './format-number.js'
import { isTimedOut } from './timed-out.js'
import { type LoadResult } from './results.js'
import { summarize } from './statistics.js'

/** The results of a load: one row per contender and one column per metric; the first row is the heading. */
export function buildLoadTable(load: Load, { samples }: LoadResult, contenders: readonly Contender[]): string[][] {
  const heading = ['', ...load.metrics.map(({ title, unit }) => (title.includes('/') ? title : withUnit(title, unit)))]
  const rows = contenders
    .filter(({ name }) => samples[name] !== undefined)
    .map(({ name, title }) => [
      title,
      ...load.metrics.map(metric => {
        const text = formatSummary(summarize(samples[name]!.map(({ values }) => values[metric.name] ?? NaN)), metric)
        return isTimedOut(samples[name]!, metric.name) ? `> ${text}` : text
      }),
    ])
  return [heading, ...rows]
}

function withUnit(title: string, unit: string): string {
  return unit.startsWith('/') || title.includes(unit.split('/')[0]!) ? title : `${title}, ${unit}`
}

/** The errors in the samples of a load, one sentence per contender. */
export function formatErrors({ samples }: LoadResult, contenders: readonly Contender[]): string[] {
  return contenders.flatMap(({ name, title }) => {
    const all = samples[name] ?? []
    const bad = all.filter(({ errors }) => errors.length > 0)
    if (bad.length === 0) return []
    return [
      `${title}: ${bad.length} of ${all.length} rounds had errors: ${bad.map(({ errors }) => errors.join(', ')).join('; ')}`,
    ]
  })
}
