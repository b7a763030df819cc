import t from 'tap'
import { isEqual, reuseEqual, reuseSameItems, sameItems } from '../../lib/primitives/reuse-equal.js'

const EQUALITY: readonly [name: string, a: unknown, b: unknown, isEqual: boolean][] = [
  ['equal objects', { a: 1, b: [2] }, { a: 1, b: [2] }, true],
  ['a different value', { a: 1 }, { a: 2 }, false],
  ['a text and a number', '1', 1, false],
  ['another order of a list', [1, 2], [2, 1], false],
  ['an absent field and undefined', { a: 1 }, { a: 1, b: undefined }, true],
  ['undefined and null', undefined, null, false],
  ['undefined twice', undefined, undefined, true],
  ['empty lists', [], [], true],
]

for (const [name, a, b, expected] of EQUALITY) {
  t.test(`${name}: ${expected ? 'equal' : 'not equal'}`, t => {
    t.equal(isEqual(a, b), expected)
    t.equal(isEqual(b, a), expected)
    t.end()
  })
}

t.test('an equal object is replaced by the earlier one, a different object is not', t => {
  const before = { ip: '10.0.0.1' }
  t.equal(reuseEqual(before, { ip: '10.0.0.1' }), before)
  const after = { ip: '10.0.0.2' }
  t.equal(reuseEqual(before, after), after)
  t.equal(reuseEqual(undefined, after), after)
  t.end()
})

t.test('lists are the same if they have the same objects in the same order, whatever the objects contain', t => {
  const [a, b] = [{ name: 'same content' }, { name: 'same content' }]
  const before = [a, b]
  const table: readonly [name: string, list: object[], isSame: boolean][] = [
    ['the list itself', before, true],
    ['a copy', [a, b], true],
    ['another order', [b, a], false],
    ['one item fewer', [a], false],
    ['one item more', [a, b, a], false],
    ['an equal object instead', [a, { name: 'same content' }], false],
  ]
  for (const [name, list, isSame] of table) {
    t.equal(sameItems(before, list), isSame, name)
    t.equal(reuseSameItems(before, list), isSame ? before : list, name)
  }
  t.equal(reuseSameItems(undefined, before), before)
  t.end()
})
