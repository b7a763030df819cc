import t from 'tap'
import { DescriptorBudget } from '../../../lib/dataplane/limits/descriptor-budget.js'

/** How many ways to endpoints there is room for. */
function countAvailable(budget: DescriptorBudget): number {
  let taken = 0
  while (budget.tryAcquire()) taken++
  for (let given = 0; given < taken; given++) budget.release()
  return taken
}

t.test('What others in the process need is left alone, and given back', t => {
  const budget = new DescriptorBudget(1000)
  const all = countAvailable(budget)
  t.ok(all < 1000 && all > 700)
  budget.reserve(200)
  t.equal(all - countAvailable(budget), 180, 'nine tenths of it were for pairs')
  budget.reserve(100_000)
  t.ok(countAvailable(budget) > 0, 'however little is left, somebody is served')
  budget.reserve(0)
  t.equal(countAvailable(budget), all)
  t.end()
})
