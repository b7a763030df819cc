import { numberText } from '../../report/number-text.js'
import { TALLIED, type Tallied } from '../client/tally.js'
import { type SoakResults } from '../soak-results.js'
import { errorsOf, type SeriesGrowth } from './judge-soak.js'

/** What was asked of the proxy and how it went, a row for each kind; the first row is the heading. */
export function requestTable({ tallies }: SoakResults): string[][] {
  const rows = (Object.keys(TALLIED) as Tallied[]).map(name => {
    const { done, again, errors, mayFail } = tallies[name]
    const count = errorsOf(tallies[name])
    const kinds = Object.entries(errors).map(([kind, number]) => `${kind} ${numberText(number, 0)}`)
    return [
      TALLIED[name],
      numberText(done, 0),
      again === 0 ? '–' : numberText(again, 0),
      mayFail ? '–' : numberText(count, 0),
      mayFail ? numberText(count, 0) : '–',
      kinds.join(', '),
    ]
  })
  return [['', 'done', 'sent again', 'errors', 'expected errors', 'kinds'], ...rows]
}

/** What the proxy held, a row for each number; the first row is the heading. */
export function growthTable(series: readonly SeriesGrowth[]): string[][] {
  const rows = series.map(({ series: { title, unit, allowed }, first, growth }) => {
    const text = (value: number): string => numberText(value, unit === 'MiB' ? 1 : 0)
    const { early, late, perHour, grows } = growth
    const verdict = allowed === undefined ? 'not judged' : grows ? '✗ grows' : '✓ does not grow'
    return [
      unit === 'MiB' ? `${title}, MiB` : title,
      ...[first, early, late].map(text),
      `${perHour < 0 ? '−' : '+'}${numberText(Math.abs(perHour), 1)}`,
      verdict,
    ]
  })
  return [['lowest values', 'at the start', 'after the warm-up', 'at the end', 'per hour', ''], ...rows]
}
