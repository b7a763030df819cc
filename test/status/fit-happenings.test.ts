import t from 'tap'
import { type HappeningText, MAX_EVENT_LENGTH, fitHappenings } from '../../lib/status/fit-happenings.js'

/** So many texts fill one event. */
const FULL = 100

function happened(what: HappeningText['row']['what'], count: number): HappeningText[] {
  const length = MAX_EVENT_LENGTH / FULL - 1
  return Array.from({ length: count }, (_, index) => ({ row: { what }, text: `${what} ${index}`.padEnd(length) }))
}

for (const [opened, refused, expected] of [
  [0, 0, { opened: 0, refused: 0, isCut: false }],
  [FULL - 1, 1, { opened: FULL - 1, refused: 1, isCut: false }],
  [FULL, 1, { opened: FULL - 1, refused: 1, isCut: true }],
  [FULL, FULL - 10, { opened: 10, refused: FULL - 10, isCut: true }],
  [5, FULL + 1, { opened: 0, refused: FULL, isCut: true }],
] as const)
  t.test(`of ${opened} happenings in order and ${refused} failures, what fits is in the event`, t => {
    const { items, isCut } = fitHappenings([...happened('opened', opened), ...happened('refused', refused)])
    const countOf = (what: string): number => items.filter(text => text.startsWith(what)).length
    t.strictSame({ opened: countOf('opened'), refused: countOf('refused'), isCut }, expected)
    t.end()
  })

t.test('what is in an event stays in order', t => {
  const all = [...happened('opened', FULL / 2), ...happened('refused', 3), ...happened('opened', FULL)]
  const { items } = fitHappenings(all)
  t.equal(items.length, FULL)
  t.strictSame(
    items,
    all
      .map(({ text }) => text)
      .filter(text => items.includes(text))
      .slice(0, FULL),
  )
  t.match(items[FULL / 2], /^refused 0/)
  t.end()
})
