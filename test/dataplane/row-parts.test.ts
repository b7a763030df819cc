import t from 'tap'
import { type InspectStep, type InspectedAffinity } from '../../lib/dataplane/inspect-request.js'
import { rowParts } from '../../lib/dataplane/row-parts.js'

const listener = { key: 'a', namespace: 'default', service: 'a', portName: '', protocol: 'TCP' } as const
const row: InspectedAffinity = { listener, client: '10.244.0.9', endpoint: '10.244.0.5:80', leftMs: 1 }

t.test('connections get a turn after some hundred steps, also if these make no row', async t => {
  const STEPS = 5000
  let taken = 0
  function* steps(): Generator<InspectStep> {
    for (; taken < STEPS; taken++) yield taken === STEPS - 1 ? row : undefined
  }
  let before = 0
  let longest = 0
  const watch = (): void => {
    longest = Math.max(longest, taken - before)
    before = taken
    if (taken < STEPS) setImmediate(watch)
  }
  setImmediate(watch)
  const parts = []
  for await (const part of rowParts(steps())) parts.push(part)
  t.strictSame(parts, [[row]])
  t.ok(longest > 0 && longest <= 500, `${longest} steps in one turn`)
})

t.test('each turn is one part, and the last one is shorter', async t => {
  const lengths = []
  for await (const part of rowParts(Array.from({ length: 1200 }, () => row))) lengths.push(part.length)
  t.strictSame(lengths, [500, 500, 200])
  for await (const part of rowParts([])) t.fail(`a part of ${part.length} rows`)
})
