import t from 'tap'
import { AffinityBudget } from '../../lib/balancer/affinity-budget.js'
import { AffinityTable } from '../../lib/balancer/affinity-table.js'
import { BalancedEndpoint } from '../../lib/balancer/balanced-endpoint.js'

const endpoint = new BalancedEndpoint({ ip: '10.244.0.1', port: 80 })

/** Tables with so many clients each: `0`, `1`, `2` …, each used later than the one before. */
function fill(budget: AffinityBudget, ...sizes: readonly number[]): AffinityTable[] {
  return sizes.map(size => {
    const table = new AffinityTable(1000, budget)
    for (let n = 0; n < size; n++) table.set(String(n), endpoint, n)
    return table
  })
}

t.test('when all tables together are full, the one with the most clients forgets its oldest one', t => {
  const budget = new AffinityBudget(10)
  const [large, small] = fill(budget, 7, 3)
  small!.set('new', endpoint, 100)
  t.equal(large!.use('0', 100, 1000), undefined, 'the oldest one of the large table is gone')
  t.ok(large!.use('1', 100, 1000))
  for (const client of ['0', '1', '2', 'new']) t.ok(small!.use(client, 100, 1000), `${client} of the small table stays`)
  large!.set('new', endpoint, 100)
  t.equal(large!.use('2', 100, 1000), undefined)
  t.equal(small!.size, 4)
  t.equal(budget.used, 10)
  t.equal(budget.evicted, 2)
  t.end()
})

t.test('a client that is used again is one client', t => {
  const budget = new AffinityBudget(10)
  const [table] = fill(budget, 5)
  table!.use('0', 5, 1000)
  table!.set('0', endpoint, 6)
  t.equal(budget.used, 5)
  t.end()
})

t.test('whatever leaves a table is no longer counted', t => {
  const budget = new AffinityBudget(100)
  const [expired, retained, closed, full] = [...fill(budget, 10, 10, 10), new AffinityTable(4, budget)]
  expired.expire(1004, 1000)
  t.equal(budget.used, 25)
  retained!.retain(new Set())
  t.equal(budget.used, 15)
  closed!.close()
  closed!.set('late', endpoint, 11)
  t.equal(budget.used, 5, 'a closed table takes no clients')
  for (let n = 0; n < 10; n++) full!.set(String(n), endpoint, n)
  t.equal(full!.size, 4)
  t.equal(budget.used, 9)
  t.equal(budget.evicted, 0)
  t.end()
})
