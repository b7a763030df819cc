import t from 'tap'
import { reuseEqualLists, splitPlan } from '../../lib/workers/split-plan.js'
import { makeListenerSpec } from '../support/dataplane/plane-under-test.js'

const listener = (n: number, endpoints: number) =>
  makeListenerSpec({
    key: `key-${n}`,
    endpoints: Array.from({ length: endpoints }, (_, e) => ({ ip: '10.0.0.1', port: e + 1 })),
  })

t.test('a long plan is split into parts, and only the last part applies it', t => {
  const set = Array.from({ length: 1000 }, (_, n) => listener(n, n === 10 ? 5000 : 3))
  const plans = splitPlan(7, set, ['gone'])
  t.ok(plans.length > 5)
  t.strictSame(
    plans.flatMap(part => part.set.map(({ key }) => key)),
    set.map(({ key }) => key),
    'everything, in order',
  )
  for (const part of plans) {
    t.equal(part.generation, 7)
    const endpoints = part.set.reduce((sum, { endpoints }) => sum + endpoints.length, 0)
    t.ok(part.set.length === 1 || endpoints <= 2000, `${endpoints} endpoints`)
  }
  t.strictSame(
    plans.map(({ isLast }) => isLast),
    plans.map((_, index) => index === plans.length - 1),
  )
  t.strictSame(plans.at(-1)!.drop, ['gone'])
  t.end()
})

t.test('a plan that only removes listeners is one part', t => {
  t.strictSame(splitPlan(1, [], ['a']), [{ kind: 'plan', generation: 1, set: [], drop: ['a'], isLast: true }])
  t.end()
})

t.test('equal lists of endpoints and source ranges stay the same objects', t => {
  const before = { ...listener(1, 3), sourceRanges: [{ family: 'IPv4', network: '10.0.0.0', bits: 8 }] as const }
  const copy = structuredClone(before)
  t.equal(reuseEqualLists({ ...copy, affinityMs: 5 }, before).endpoints, before.endpoints)
  t.equal(reuseEqualLists(copy, before).sourceRanges, before.sourceRanges)
  const shorter = { ...copy, endpoints: copy.endpoints.slice(1) }
  t.equal(reuseEqualLists(shorter, before).endpoints, shorter.endpoints)
  const other = { ...copy, sourceRanges: [{ family: 'IPv4', network: '10.0.0.0', bits: 9 }] as const }
  t.equal(reuseEqualLists(other, before).sourceRanges, other.sourceRanges)
  t.strictSame(reuseEqualLists(copy, undefined), copy, 'without an earlier spec nothing is replaced')
  t.end()
})
