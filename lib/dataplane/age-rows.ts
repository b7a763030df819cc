import { type InspectedRow } from '../dataplane/inspect-request.js'

/** Times that lie back, in milliseconds before the row was made. */
const AGES = ['msAgo', 'openedMsAgo', 'endedMsAgo'] as const

/** Times that differ by less are no concern, and rows that are the same need no copy. */
const SAME_MS = 5

/**
 * Rows as they are some milliseconds after their process has sent them: another process may have replied later, or not at all, and the
 * times of all rows count from one moment.
 */
export function ageRows(rows: readonly InspectedRow[], ms: number): readonly InspectedRow[] {
  return ms < SAME_MS ? rows : rows.map(row => ageRow(row, ms))
}

function ageRow<Row extends InspectedRow>(row: Row, ms: number): Row {
  const aged: Record<string, unknown> = { ...row }
  for (const name of AGES) {
    const age = aged[name]
    if (typeof age === 'number') aged[name] = age + ms
  }
  if ('leftMs' in row) aged['leftMs'] = Math.max(0, row.leftMs - ms)
  if ('ejectedForMs' in row && row.ejectedForMs > 0) {
    const left = Math.max(0, row.ejectedForMs - ms)
    aged['ejectedForMs'] = left
    // Both are 0 when an endpoint gets clients again.
    aged['ejectedMsAgo'] = left === 0 ? 0 : row.ejectedMsAgo + ms
  }
  return aged as Row
}
