import { type Clock } from '../model/clock.js'
import { type RowPart, ageRows } from './age-rows.js'
import { type InspectStep, type InspectedRow } from './inspect-request.js'
import { rowParts } from './row-parts.js'

/** All rows of an answer, as they are when the last one is made. Lets connections pass in between. */
export async function collectRows(
  steps: Iterable<InspectStep>,
  clock: Pick<Clock, 'now'>,
): Promise<readonly InspectedRow[]> {
  const parts: RowPart[] = []
  for await (const rows of rowParts(steps)) parts.push({ rows, at: clock.now() })
  return ageRows(parts, clock.now())
}
