import t from 'tap'
import { DescriptorBudget } from '../../../lib/dataplane/limits/descriptor-budget.js'
import { DescriptorShare } from '../../../lib/dataplane/limits/service-shares.js'

const user = { giveUpOne: () => undefined, giveUpOneFor: () => undefined, noteIdle: () => undefined }

/** How many sockets to endpoints there is room for. */
function countAvailable(budget: DescriptorBudget): number {
  let taken = 0
  const shares = Array.from({ length: 1000 }, () => new DescriptorShare(user))
  while (budget.tryAcquire(shares[taken % 1000]!)) taken++
  for (let given = 0; given < taken; given++) budget.release(shares[given % 1000]!)
  return taken
}

t.test('a reserve for other parts of the process is left free, and is available again without it', t => {
  const budget = new DescriptorBudget(1000)
  const all = countAvailable(budget)
  t.ok(all < 1000 && all > 700)
  budget.reserve(200)
  t.equal(all - countAvailable(budget), 180, 'nine tenths of the reserve were for pairs')
  budget.reserve(100_000)
  t.ok(countAvailable(budget) > 0, 'even with the largest reserve some clients are served')
  budget.reserve(0)
  t.equal(countAvailable(budget), all)
  t.end()
})

t.test('all files but 96 are for listeners, connections and clients that wait', t => {
  const budget = new DescriptorBudget(1000)
  const share = new DescriptorShare(user)
  budget.addListener()
  t.equal(budget.available, 903)
  for (let n = 0; n < 903; n++) budget.countExisting(share)
  t.equal(budget.available, 0)
  t.end()
})

t.test('listeners have three quarters at most, and leave the rest to their clients', t => {
  const budget = new DescriptorBudget(300)
  for (let n = 0; n < 153; n++) budget.addListener()
  t.throws(() => budget.addListener(), { code: 'EMFILE', message: /may have 153 listeners/ })
  t.ok(countAvailable(budget) > 20)
  budget.removeListener()
  t.doesNotThrow(() => budget.addListener())
  t.match(budget.counts(), { used: 153 })
  t.end()
})

t.test('memory limits connections and not listeners, which hold no data', t => {
  const budget = new DescriptorBudget(2000, 200)
  const without = countAvailable(budget)
  t.ok(without <= 200 && without > 100)
  for (let n = 0; n < 1000; n++) budget.addListener()
  t.ok(countAvailable(budget) >= without, 'a thousand listeners leave as much for connections')
  t.match(budget.counts(), { used: 1000, limit: 200 })
  for (let n = 0; n < 1000; n++) budget.removeListener()
  t.equal(countAvailable(budget), without)
  t.end()
})
