import t from 'tap'
import { KeyedList } from '../../lib/primitives/keyed-list.js'
import { randomInt, seededRandom, testSeed } from '../support/checks/seeded-random.js'

interface Input {
  readonly id: number
  readonly value: string
}

interface Item {
  readonly id: number
  readonly key: string
  readonly values: string
}

/** A list of items with the joined values of their inputs; inputs with the value `-` have no item. */
function createList() {
  const built: number[] = []
  const list = new KeyedList<Input, number, Item>(
    ({ id }) => id,
    (id, inputs) => {
      built.push(id)
      const values = inputs.flatMap(({ value }) => (value === '-' ? [] : [value])).join(' ')
      return values === '' ? undefined : { id, key: String(id).padStart(4, '0'), values }
    },
  )
  return { list, built: () => built.splice(0) }
}

const show = (items: readonly Item[]): string[] => items.map(({ id, values }) => `${id}: ${values}`)

t.test('items are sorted by key, and have all inputs of their id in order', t => {
  const { list } = createList()
  const items = list.update([
    { id: 30, value: 'a' },
    { id: 2, value: 'b' },
    { id: 30, value: 'c' },
    { id: 7, value: '-' },
  ])
  t.same(show(items), ['2: b', '30: a c'])
  t.end()
})

t.test('only the items of changed inputs are built again', t => {
  const { list, built } = createList()
  const inputs = [1, 2, 3, 4].map(id => ({ id, value: 'x' }))
  const before = list.update(inputs)
  t.same(built(), [1, 2, 3, 4])

  t.equal(list.update([...inputs]), before, 'the same inputs return the same list')
  t.same(built(), [])

  const after = list.update([inputs[0]!, { id: 2, value: 'y' }, inputs[2]!, inputs[3]!])
  t.same(show(after), ['1: x', '2: y', '3: x', '4: x'])
  t.same(built(), [2])
  for (const index of [0, 2, 3]) t.equal(after[index], before[index], 'an unchanged item is the same object')

  t.same(show(list.update([inputs[0]!, inputs[2]!, inputs[3]!])), ['1: x', '3: x', '4: x'], 'a removed input')
  t.same(show(list.update([])), [])
  t.same(show(list.update(inputs)), ['1: x', '2: x', '3: x', '4: x'])
  t.end()
})

const seed = testSeed()
t.test(`after any sequence of changes, the list is the same as one built from nothing (SEED=${seed})`, t => {
  const random = seededRandom(seed)
  const { list } = createList()
  let inputs: Input[] = []
  for (let round = 0; round < 300; round++) {
    const next = [...inputs]
    for (let change = randomInt(random, 4); change > 0; change--) {
      const fresh = { id: randomInt(random, 12), value: randomInt(random, 5) === 0 ? '-' : `v${round}` }
      // Sometimes the same object again, which the list must count twice.
      const input = (randomInt(random, 3) === 0 ? next[randomInt(random, next.length + 1)] : undefined) ?? fresh
      const at = randomInt(random, next.length + 1)
      next.splice(at, randomInt(random, 3), ...(randomInt(random, 2) === 0 ? [] : [input]))
    }
    inputs = next
    const fresh = createList().list.update(inputs)
    if (JSON.stringify(list.update(inputs)) !== JSON.stringify(fresh)) {
      t.same(show(list.update(inputs)), show(fresh), `round ${round}`)
      break
    }
  }
  t.same(show(list.update(inputs)), show(createList().list.update(inputs)))
  t.end()
})
