import { type InspectStep, type InspectedConnection } from './inspect-request.js'

/**
 * The steps of a list of connections, with those rows only that opened last, the latest first. It takes the memory of twice as many rows,
 * however many connections there are.
 * @param limit the most rows
 */
export function* latestRows(
  steps: Iterable<InspectStep<InspectedConnection>>,
  limit: number,
): Generator<InspectStep<InspectedConnection>> {
  let rows: InspectedConnection[] = []
  for (const row of steps) {
    yield undefined
    if (row === undefined) continue
    rows.push(row)
    if (rows.length >= 2 * limit) rows = latest(rows, limit)
  }
  yield* latest(rows, limit)
}

function latest(rows: InspectedConnection[], limit: number): InspectedConnection[] {
  // Their numbers count all connections of the process.
  return rows.sort((a, b) => b.id - a.id).slice(0, limit)
}
