import t from 'tap'
import { PortAllocator } from '../../../lib/modes/userspace/port-allocator.js'
import { failAndEndTest } from '../../support/checks/fail-and-end-test.js'
import { randomInt, testSeed, seededRandom } from '../../support/checks/seeded-random.js'

void t.test('An allocated port stays with its owner until it is released', t => {
  const ports = new PortAllocator({ first: 100, last: 102 }, () => 0)
  t.equal(ports.allocate('a'), 100)
  t.equal(ports.allocate('b'), 101)
  t.equal(ports.allocate('a'), 100)
  t.equal(ports.allocate('c'), 102)
  t.equal(ports.allocate('d'), undefined, 'no port is left')
  t.equal(ports.allocate('d'), undefined)
  ports.release('b')
  t.equal(ports.allocate('d'), 101)
  ports.release('unknown')
  t.equal(ports.allocate('e'), undefined)
  t.end()
})

void t.test('A refused port is not given out again while another one is free', t => {
  const ports = new PortAllocator({ first: 100, last: 102 }, () => 0)
  t.equal(ports.allocate('a'), 100)
  ports.refuse('a')
  t.equal(ports.allocate('a'), 101)
  t.equal(ports.allocate('b'), 102)
  t.equal(ports.allocate('c'), undefined)
  t.equal(ports.allocate('c'), 100, 'its holder may be gone by now')
  ports.refuse('unknown')
  t.equal(ports.allocate('c'), 100)
  t.end()
})

void t.test('A number to avoid is given out only when no other is left', t => {
  const ports = new PortAllocator({ first: 100, last: 102 }, () => 0)
  ports.avoid(new Set([100, 102]))
  ports.prefer('a', 102)
  t.equal(ports.hasOtherPort, true)
  t.equal(ports.allocate('a'), 101, 'not even the port from before a restart')
  t.equal(ports.hasOtherPort, false)
  t.equal(ports.allocate('b'), 100)
  t.equal(ports.allocate('c'), 102)
  t.equal(ports.allocate('d'), undefined)
  t.equal(new PortAllocator(undefined, () => 0).hasOtherPort, true, 'the kernel has others')
  t.end()
})

void t.test('A preferred port is allocated if it is usable and free', t => {
  const ports = new PortAllocator({ first: 100, last: 102 }, () => 0)
  ports.prefer('a', 102)
  t.equal(ports.allocate('a'), 102)
  ports.prefer('b', 102)
  t.equal(ports.allocate('b'), 100, 'it is taken')
  ports.prefer('b', 101)
  t.equal(ports.allocate('b'), 100, 'b has a port already')
  ports.prefer('c', 99)
  t.equal(ports.allocate('c'), 101, '99 is outside the range')
  ports.release('a')
  ports.prefer('d', 102)
  t.equal(ports.allocate('d'), 102)
  ports.refuse('d')
  ports.prefer('e', 102)
  t.equal(ports.allocate('e'), undefined, '102 was refused')
  t.end()
})

void t.test('Without a range the kernel chooses, except for a port from before a restart', t => {
  const ports = new PortAllocator(undefined, () => 0)
  t.equal(ports.allocate('a'), 0)
  t.equal(ports.allocate('b'), 0)
  ports.prefer('c', 41_000)
  t.equal(ports.allocate('c'), 41_000)
  ports.prefer('d', 41_000)
  t.equal(ports.allocate('d'), 0)
  ports.refuse('c')
  t.equal(ports.allocate('c'), 0)
  t.end()
})

const seed = testSeed()

void t.test(`All ports of the range are given out once, in random order (SEED=${seed})`, t => {
  const ports = new PortAllocator({ first: 1, last: 100 }, seededRandom(seed))
  const all = (): (number | undefined)[] => Array.from({ length: 100 }, (_, i) => ports.allocate(`s${i}`))
  const first = all()
  t.same(
    [...first].sort((a, b) => a! - b!),
    Array.from({ length: 100 }, (_, i) => i + 1),
  )
  t.equal(ports.allocate('one more'), undefined)
  for (let i = 0; i < 100; i++) ports.release(`s${i}`)
  t.strictNotSame(all(), first, 'the second time in another order')
  t.end()
})

void t.test(`Two service ports never have the same proxy port (SEED=${seed})`, t => {
  const random = seededRandom(seed)
  for (let round = 0; round < 50; round++) {
    const ports = new PortAllocator({ first: 1, last: 8 }, random)
    const held = new Map<string, number>()
    for (let step = 0; step < 200; step++) {
      const owner = `s${randomInt(random, 10)}`
      const action = random()
      if (action < 0.2) ports.release(owner)
      else if (action < 0.3) ports.refuse(owner)
      else if (action < 0.4) ports.prefer(owner, randomInt(random, 12))
      if (action < 0.3) held.delete(owner)
      if (action < 0.4) continue
      const port = ports.allocate(owner)
      if (held.has(owner) && held.get(owner) !== port) return failAndEndTest(t, 'an allocated port changed')
      if (port === undefined) continue
      if (port < 1 || port > 8) return failAndEndTest(t, `port ${port} is outside the range`)
      held.set(owner, port)
      if (new Set(held.values()).size < held.size) return failAndEndTest(t, `port ${port} is given out twice`)
    }
  }
  t.pass('50 rounds')
  t.end()
})
