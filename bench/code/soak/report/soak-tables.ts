import { formatNumber } from '../../report/format-number.js'
import { LOAD_KINDS, type LoadKind } from '../client/tally.js'
import { type SoakResults } from '../soak-results.js'
import { countErrors, type SeriesGrowth } from './evaluate-soak.js'

/** The requests and their results, one row per kind; the first row is the heading. */
export function buildRequestTable({ tallies }: SoakResults): string[][] {
  const rows = (Object.keys(LOAD_KINDS) as LoadKind[]).map(name => {
    const { done, retries, errors, expectsErrors } = tallies[name]
    const count = countErrors(tallies[name])
    const kinds = Object.entries(errors).map(([kind, number]) => `${kind} ${formatNumber(number, 0)}`)
    return [
      LOAD_KINDS[name],
      formatNumber(done, 0),
      retries === 0 ? '–' : formatNumber(retries, 0),
      expectsErrors ? '–' : formatNumber(count, 0),
      expectsErrors ? formatNumber(count, 0) : '–',
      kinds.join(', '),
    ]
  })
  return [['', 'done', 'sent again', 'errors', 'expected errors', 'kinds'], ...rows]
}

/** The resources of the proxy, one row per metric; the first row is the heading. */
export function buildGrowthTable(series: readonly SeriesGrowth[]): string[][] {
  const rows = series.map(({ series: { title, unit, allowedGrowth }, first, growth }) => {
    const text = (value: number): string => formatNumber(value, unit === 'MiB' ? 1 : 0)
    const { early, late, perHour, grows } = growth
    const verdict = allowedGrowth === undefined ? 'not judged' : grows ? '✗ grows' : '✓ does not grow'
    return [
      unit === 'MiB' ? `${title}, MiB` : title,
      ...[first, early, late].map(text),
      `${perHour < 0 ? '−' : '+'}${formatNumber(Math.abs(perHour), 1)}`,
      verdict,
    ]
  })
  return [['lowest values', 'at the start', 'after the warm-up', 'at the end', 'per hour', ''], ...rows]
}
