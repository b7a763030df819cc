import t from 'tap'
import { type InspectedConnection } from '../../lib/dataplane/inspect-request.js'
import { latestRows } from '../../lib/dataplane/latest-rows.js'
import { ManualClock } from '../support/clock/manual-clock.js'

const listener = { key: 'k', namespace: 'default', service: 'web', portName: '', protocol: 'TCP' } as const

function rowOf(id: number): InspectedConnection {
  return { listener, id, client: '10.0.0.1', clientPort: 1, endpoint: '', state: 'open', openedMsAgo: 1, tries: 1 }
}

for (const [ids, limit, kept] of [
  [[], 2, []],
  [[1], 2, [1]],
  [[1, 2, 3], 2, [3, 2]],
  // Those of one listener after those of another one.
  [[5, 7, 9, 1, 8, 2, 3, 4, 6], 3, [9, 8, 7]],
  [[3, 1, 2], Infinity, [3, 2, 1]],
] as const)
  t.test(`of the connections ${ids.join(', ') || 'none'}, ${limit} are ${kept.join(', ') || 'none'}`, t => {
    const steps = [...latestRows([undefined, ...ids.map(rowOf)], limit, new ManualClock())]
    t.strictSame(
      steps.flatMap(row => (row === undefined ? [] : [row.id])),
      kept,
    )
    t.equal(steps.filter(row => row === undefined).length, 1 + ids.length, 'a step for each that was looked at')
    t.end()
  })
