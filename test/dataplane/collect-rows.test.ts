import t from 'tap'
import { collectRows } from '../../lib/dataplane/collect-rows.js'
import { type InspectStep } from '../../lib/dataplane/inspect-request.js'
import { ManualClock } from '../support/clock/manual-clock.js'

const listener = { key: 'a', namespace: 'default', service: 'a', portName: '', protocol: 'TCP' } as const

t.test('rows that were made before connections had a turn are as old as the others', async t => {
  const clock = new ManualClock()
  const endsAt = 10_000
  function* steps(): Generator<InspectStep> {
    for (let count = 0; count < 1200; count++) {
      // Between two turns of 500 rows.
      if (count === 500) clock.advanceSync(3000)
      yield { listener, client: String(count), endpoint: '10.244.0.5:80', leftMs: endsAt - clock.now() }
    }
  }
  const rows = await collectRows(steps(), clock)
  const left = rows.map(row => ('leftMs' in row ? row.leftMs : undefined))
  t.equal(left.length, 1200)
  t.strictSame([...new Set(left)], [7000])
})
