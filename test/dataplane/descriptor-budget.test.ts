import t from 'tap'
import { DescriptorBudget } from '../../lib/dataplane/descriptor-budget.js'

/** How many ways to endpoints there is room for. */
function roomOf(budget: DescriptorBudget): number {
  let taken = 0
  while (budget.tryTake()) taken++
  for (let given = 0; given < taken; given++) budget.give()
  return taken
}

t.test('What others in the process need is left alone, and given back', t => {
  const budget = new DescriptorBudget(1000)
  const all = roomOf(budget)
  t.ok(all < 1000 && all > 700)
  budget.reserve(200)
  t.equal(all - roomOf(budget), 180, 'nine tenths of it were for pairs')
  budget.reserve(100_000)
  t.ok(roomOf(budget) > 0, 'however little is left, somebody is served')
  budget.reserve(0)
  t.equal(roomOf(budget), all)
  t.end()
})
