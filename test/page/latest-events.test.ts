import { buildSync } from 'esbuild'
import t from 'tap'
import { type HappeningView } from '../../lib/status/happening-view.js'

interface Event {
  readonly id: number
  readonly kind: 'sync' | 'happenings'
  readonly happened?: { readonly items: readonly HappeningView[] }
}

// The page is compiled for browsers only.
const { outputFiles } = buildSync({
  ...{ entryPoints: ['lib/page/live/latest-events.ts'], bundle: true, format: 'esm', write: false },
  tsconfig: 'lib/page/tsconfig.json',
})
const { latestEvents } = (await import(`data:text/javascript,${encodeURIComponent(outputFiles[0]!.text)}`)) as {
  latestEvents: (all: readonly Event[]) => readonly Event[]
}

const sync = (id: number): Event => ({ id, kind: 'sync' })
const busy = (id: number, count: number): Event => ({
  ...{ id, kind: 'happenings' },
  happened: { items: Array.from({ length: count }, () => ({}) as HappeningView) },
})
const many = (count: number, make: (id: number) => Event): Event[] =>
  Array.from({ length: count }, (_, index) => make(count - index))

t.test('all events stay while they are few', t => {
  const all = [sync(3), busy(2, 400), sync(1)]
  t.strictSame(latestEvents(all), all)
  t.strictSame(latestEvents([]), [])
  t.end()
})

t.test('of many events, the latest 500 stay', t => {
  const all = many(600, sync)
  t.strictSame(latestEvents(all), all.slice(0, 500))
  t.end()
})

t.test('of a busy proxy, so many events stay that what happened in them is not too much to draw', t => {
  const all = many(500, id => busy(id, 400))
  t.strictSame(latestEvents(all), all.slice(0, 50))
  t.end()
})

t.test('the newest event stays, however much happened in it', t => {
  t.match(latestEvents([busy(2, 30_000), sync(1)]), [{ id: 2 }])
  t.equal(latestEvents([busy(2, 30_000), sync(1)]).length, 1)
  t.end()
})
