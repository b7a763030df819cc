import { setImmediate as nextTurn } from 'node:timers/promises'
import { type InspectStep, type InspectedRow } from './inspect-request.js'

/** How many steps are taken before connections get a turn of the event loop. */
const STEPS_PER_TURN = 500

/** Takes the steps of an answer, and lets connections pass in between. Yields the rows of each turn, if there are any. */
export async function* rowParts(steps: Iterable<InspectStep>): AsyncGenerator<readonly InspectedRow[]> {
  let rows: InspectedRow[] = []
  let taken = 0
  for (const row of steps) {
    if (row !== undefined) rows.push(row)
    if (++taken % STEPS_PER_TURN > 0) continue
    if (rows.length > 0) yield rows
    rows = []
    await nextTurn()
  }
  if (rows.length > 0) yield rows
}
