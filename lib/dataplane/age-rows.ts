import { type InspectedRow } from './inspect-request.js'

/** Times that lie back, in milliseconds before the row was made. */
const AGES = ['msAgo', 'openedMsAgo', 'endedMsAgo'] as const

/** Times that differ by less are no concern, and rows that are the same need no copy. */
const SAME_MS = 5

/** Rows of one moment: when they were made, or came from their process. */
export interface RowPart {
  readonly rows: readonly InspectedRow[]
  /** Milliseconds of the clock of this process. */
  readonly at: number
}

/**
 * The rows of an answer as they are now. The parts of one process come one after the other, and another process may reply later, or not
 * at all: the times of all rows have to count from one moment.
 * @param now milliseconds of the same clock
 */
export function ageRows(parts: readonly RowPart[], now: number): readonly InspectedRow[] {
  return parts.flatMap(({ rows, at }) => rows.map(row => ageRow(row, now - at)))
}

/** A row as it is some milliseconds after it was made. */
export function ageRow<Row extends InspectedRow>(row: Row, ms: number): Row {
  if (ms < SAME_MS) return row
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
