import t from 'tap'
import { isolateRefused } from '../../lib/modes/isolate-refused.js'

const ITEMS = Array.from({ length: 1000 }, (_, n) => n)

/** Isolates the numbers that a kernel refuses. @param explains finding the first of them explains all */
async function isolate(refused: ReadonlySet<number>, { maxProbes = 100, explains = false } = {}) {
  let probes = 0
  const found: number[] = []
  const groups = await isolateRefused(ITEMS, {
    probe: some => {
      probes++
      const bad = some.find(item => refused.has(item))
      return Promise.resolve(bad === undefined ? undefined : `refused ${bad}`)
    },
    onFound: item => Promise.resolve(void found.push(item)),
    isExplained: item => (explains ? found.length > 0 && refused.has(item) : found.includes(item)),
    maxProbes,
  })
  return {
    probes,
    found: found.sort((a, b) => a - b),
    left: groups.flatMap(({ items }) => items).sort((a, b) => a - b),
  }
}

void t.test('one of a thousand is found by halves', async t => {
  for (const refused of [0, 499, 500, 999]) {
    const { probes, found, left } = await isolate(new Set([refused]))
    t.strictSame([found, left], [[refused], []])
    t.ok(probes <= 1 + 2 * 10, String(probes))
  }
})

void t.test('if none is refused alone or together, none is found, with one probe', async t => {
  t.strictSame(await isolate(new Set()), { probes: 1, found: [], left: [] })
})

void t.test('one that explains all others is enough', async t => {
  const refused = new Set(ITEMS.filter(item => item % 2 === 0))
  const { probes, found, left } = await isolate(refused, { explains: true })
  t.strictSame([found.length, left], [1, []])
  t.ok(probes <= 40, String(probes))
})

void t.test('the number of probes has a limit, and then few accepted items are in the groups that remain', async t => {
  const refused = new Set(ITEMS.filter(item => item % 100 === 7))
  const { probes, found, left } = await isolate(refused, { maxProbes: 60 })
  t.ok(probes <= 61, String(probes))
  for (const item of refused) t.ok(found.includes(item) || left.includes(item), String(item))
  t.ok(found.length + left.length < 400, `${found.length} found, ${left.length} left`)
  t.strictSame((await isolate(refused, { maxProbes: 200 })).found, [...refused], 'with more, all are found')
})

void t.test('nothing is blamed that was not refused alone', async t => {
  const found: string[] = []
  const tried: string[] = []
  const isolateAll = (refuses: (some: readonly string[]) => boolean) =>
    isolateRefused(['a', 'b', 'c', 'd'], {
      probe: some => {
        tried.push(some.join(''))
        return Promise.resolve(refuses(some) ? 'refused' : undefined)
      },
      onFound: item => Promise.resolve(void found.push(item)),
      isExplained: item => found.includes(item),
      maxProbes: 100,
    })
  t.strictSame(await isolateAll(() => tried.length === 1), [], 'a refusal that passes')
  t.strictSame(await isolateAll(some => some.length > 1), [], 'a limit of the sum')
  t.strictSame(found, [])
  t.ok(tried.includes('d'))
})
