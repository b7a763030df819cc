import t from 'tap'
import { findNodePortCycles } from '../../lib/frontends/node-port-cycles.js'

t.test('each service port in a cycle has its targets in the same cycle, and no other is named', t => {
  const table: readonly (readonly [
    name: string,
    targets: Record<string, string[]>,
    cycles: Record<string, string[]>,
  ])[] = [
    ['none', {}, {}],
    ['a chain', { a: ['b'], b: ['c'] }, {}],
    ['two', { a: ['b'], b: ['a'] }, { a: ['b'], b: ['a'] }],
    ['three', { a: ['b'], b: ['c'], c: ['a'] }, { a: ['b'], b: ['c'], c: ['a'] }],
    ['a way in and a way out', { in: ['a'], a: ['b', 'out'], b: ['a'], out: ['end'] }, { a: ['b'], b: ['a'] }],
    ['two cycles', { a: ['b'], b: ['a', 'c'], c: ['d'], d: ['c'] }, { a: ['b'], b: ['a'], c: ['d'], d: ['c'] }],
    ['a missing target', { a: ['b'] }, {}],
  ]
  for (const [name, targets, cycles] of table) {
    const found = findNodePortCycles(new Map(Object.entries(targets)))
    t.strictSame(Object.fromEntries([...found].map(([key, all]) => [key, [...all]])), cycles, name)
  }
  t.end()
})
