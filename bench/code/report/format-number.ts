import { type Metric } from '../loads/load.js'
import { type Summary, spread } from './statistics.js'

/** A number with thousands separators and only significant digits. */
export function formatNumber(value: number, digits?: number): string {
  const places = digits ?? (Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2)
  const [whole, fraction] = value.toFixed(places).split('.')
  const grouped = whole!.replaceAll(/\B(?=(\d{3})+$)/g, ',')
  return fraction === undefined ? grouped : `${grouped}.${fraction}`
}

/** The median and the spread of the rounds: `41,200 ± 3 %`. */
export function formatSummary(summary: Summary | undefined, { digits }: Pick<Metric, 'digits'>): string {
  if (summary === undefined) return '–'
  const text = formatNumber(summary.median, digits)
  return summary.count === 1 ? text : `${text} ± ${(spread(summary) * 100).toFixed(0)} %`
}
