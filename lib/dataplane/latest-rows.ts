import { type Clock } from '../model/clock.js'
import { ageRow } from './age-rows.js'
import { type InspectStep, type InspectedConnection } from './inspect-request.js'

/**
 * The steps of a list of connections, with those rows only that opened last, the latest first. It takes the memory of twice as many rows,
 * however many connections there are.
 * @param limit the most rows
 * @param clock connections may pass between two steps: all rows are given as they are at the end
 */
export function* latestRows(
  steps: Iterable<InspectStep<InspectedConnection>>,
  limit: number,
  clock: Pick<Clock, 'now'>,
): Generator<InspectStep<InspectedConnection>> {
  let rows: MadeRow[] = []
  for (const row of steps) {
    yield undefined
    if (row === undefined) continue
    rows.push({ row, at: clock.now() })
    if (rows.length >= 2 * limit) rows = latest(rows, limit)
  }
  for (const { row, at } of latest(rows, limit)) yield ageRow(row, clock.now() - at)
}

/** A row, and when it was made. */
interface MadeRow {
  readonly row: InspectedConnection
  readonly at: number
}

function latest(rows: MadeRow[], limit: number): MadeRow[] {
  // Their numbers count all connections of the process.
  return rows.sort((a, b) => b.row.id - a.row.id).slice(0, limit)
}
