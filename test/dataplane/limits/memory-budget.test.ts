import t from 'tap'
import { MemoryBudget, memoryOfProcess, mostDescriptors } from '../../../lib/dataplane/limits/memory-budget.js'
import { MemoryPool } from '../../../lib/dataplane/limits/memory-pool.js'
import { readMemoryLimit } from '../../../lib/system/node-resources.js'

const GIB = 2 ** 30

t.test('all processes together may use a quarter of the memory, half of it for what is open', t => {
  for (const [memory, processes, descriptors] of [
    [4 * GIB, 1, 65_536],
    [4 * GIB, 4, 16_384],
    [256 * 2 ** 20, 1, 4096],
    [2 ** 20, 1, 256],
    [Infinity, 1, Infinity],
  ] as const)
    t.equal(mostDescriptors(memoryOfProcess(memory, processes)), descriptors, `${memory} bytes, ${processes} processes`)
  t.end()
})

t.test('all purposes together have no more than the memory of the process', t => {
  const memory = 64 * 2 ** 20
  const { heldBack, unanswered, affinity } = new MemoryBudget(memory).counts()
  t.equal(heldBack.limit + unanswered.limit + affinity.limit + memory / 2, memory)
  t.ok([heldBack, unanswered, affinity].every(({ limit }) => limit >= memory / 8))
  t.end()
})

t.test('the memory of this machine is known', t => {
  const limit = readMemoryLimit()
  t.ok(limit > 2 ** 24 && limit < 2 ** 50, `${limit} bytes`)
  t.end()
})

t.test('a holder with much gets no more, one with little does, and what was refused is counted', t => {
  const pool = new MemoryPool(900)
  const [greedy, modest] = [{ heldBytes: 0 }, { heldBytes: 0 }]
  while (pool.tryHold(greedy, 10));
  t.equal(greedy.heldBytes, 800, 'eight ninths')
  t.ok(pool.tryHold(modest, 50))
  t.notOk(pool.tryHold(modest, 51), 'more than there is')
  t.strictSame(pool.counts(), { used: 850, limit: 900, waited: 0, shed: 2, evicted: 0 })
  pool.change(greedy, -800)
  t.ok(pool.tryHold(modest, 51))
  t.equal(pool.counts().used, 101)
  t.end()
})
