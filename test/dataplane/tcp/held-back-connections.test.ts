import t from 'tap'
import { MemoryPool } from '../../../lib/dataplane/limits/memory-pool.js'
import {
  type HeldBackConnection,
  HeldBackConnections,
  heldBackToEndForKernel,
} from '../../../lib/dataplane/tcp/held-back-connections.js'

const BYTES = 64 * 1024

class Fixture {
  readonly pool: MemoryPool
  readonly connections: HeldBackConnections
  readonly ended: string[] = []
  readonly #services = new Map<string, object>()

  /** @param limit in connections */
  constructor(limit: number) {
    this.pool = new MemoryPool(limit * BYTES)
    this.connections = new HeldBackConnections(this.pool)
  }

  /** Notes a connection that holds a buffer. @returns a function that notes it again */
  hold(service: string, client: string, name: string, quietMs = 6000, isSenderGone = false) {
    let key = this.#services.get(service)
    if (key === undefined) this.#services.set(service, (key = {}))
    const connection: HeldBackConnection = { service: key, client, reset: () => void this.ended.push(name) }
    const note = (heldBytes: number, quiet: number) =>
      this.connections.note(connection, { heldBytes, quietMs: quiet, isSenderGone })
    note(BYTES, quietMs)
    return note
  }
}

t.test('while there is memory, no connection ends, and what is released counts no longer', t => {
  const fixture = new Fixture(3)
  const notes = ['a', 'b', 'c'].map(name => fixture.hold('web', '10.0.0.1', name))
  fixture.connections.sweep(0)
  t.strictSame(fixture.ended, [])
  t.equal(fixture.pool.counts().used, 3 * BYTES)
  notes[0]!(2 * BYTES, 0)
  notes[1]!(0, 0)
  t.equal(fixture.pool.counts().used, 3 * BYTES)
  t.equal(fixture.connections.size, 2)
  t.end()
})

t.test('without memory, those of the client with the most end, of the Service with the most, the quietest first', t => {
  const fixture = new Fixture(5)
  fixture.hold('other', '10.0.0.9', 'other')
  fixture.hold('hung', '10.0.0.2', 'modest')
  const [first] = ['first', 'second', 'third', 'fourth', 'fifth'].map(name => fixture.hold('hung', '10.0.0.1', name))
  // It has moved bytes, so it is no longer the quietest one.
  first!(BYTES, 0)
  first!(BYTES, 7000)
  fixture.connections.sweep(0)
  t.strictSame(fixture.ended, ['second', 'third'])
  t.equal(fixture.pool.counts().used, 5 * BYTES)
  t.equal(fixture.pool.counts().evicted, 2)
  fixture.connections.sweep(0)
  t.equal(fixture.ended.length, 2, 'no more than necessary')
  t.end()
})

t.test('connections that move bytes end only far above the limit', t => {
  const fixture = new Fixture(8)
  for (let n = 0; n < 10; n++) fixture.hold('slow', '10.0.0.1', `slow ${n}`, 4999)
  fixture.connections.sweep(0)
  t.strictSame(fixture.ended, [])
  for (let n = 0; n < 2; n++) fixture.hold('slow', '10.0.0.1', 'more', 4999)
  fixture.connections.sweep(0)
  t.strictSame(fixture.ended, ['slow 0', 'slow 1'])
  t.end()
})

t.test('a client whose connections all move bytes does not protect those of another client that move none', t => {
  for (const limit of [140, 100]) {
    const fixture = new Fixture(limit)
    for (let n = 0; n < 100; n++) fixture.hold('web', '10.0.0.1', 'slow', 900)
    for (let n = 0; n < 50; n++) fixture.hold('web', '10.0.0.2', 'dead')
    fixture.connections.sweep(0)
    t.equal(fixture.pool.counts().used, limit * BYTES)
    t.strictSame([...new Set(fixture.ended)], ['dead'], `${fixture.ended.length} have ended`)
  }
  t.end()
})

t.test('far above the limit, connections that move bytes end only when none is left that moves none', t => {
  const fixture = new Fixture(100)
  for (let n = 0; n < 1000; n++) fixture.hold('busy', '10.0.0.1', 'busy', 100)
  for (let n = 0; n < 100; n++) fixture.hold('hung', '10.0.0.2', 'hung')
  fixture.connections.sweep(0)
  t.equal(fixture.pool.counts().used, 125 * BYTES)
  t.equal(fixture.ended.lastIndexOf('hung'), 99, 'all of these first')
  t.end()
})

t.test('however many connections stall between two sweeps, one sweep brings them below the limit', t => {
  const fixture = new Fixture(100)
  for (let sweep = 0; sweep < 3; sweep++) {
    for (let n = 0; n < 1000; n++) fixture.hold('hung', `10.0.${n % 250}.1`, 'hung')
    fixture.connections.sweep(0)
    t.match(fixture.pool.counts(), { used: 100 * BYTES, evicted: 900 + 1000 * sweep })
  }
  t.end()
})

t.test('a quiet connection whose sender is gone ends before all others, of whatever Service', t => {
  const fixture = new Fixture(8)
  for (let n = 0; n < 6; n++) fixture.hold('greedy', '10.0.0.1', 'greedy')
  const moving = fixture.hold('modest', '10.0.0.2', 'moving', 100, true)
  for (let n = 0; n < 3; n++) fixture.hold('modest', '10.0.0.2', `without sender ${n}`, 6000, true)
  fixture.connections.sweep(0)
  t.strictSame(fixture.ended, ['without sender 0', 'without sender 1'])
  t.ok(fixture.connections.endWithoutSender())
  t.notOk(fixture.connections.endWithoutSender(), 'the other one still moves bytes')
  moving(BYTES, 6000)
  t.ok(fixture.connections.endWithoutSender())
  t.strictSame(fixture.ended.slice(2), ['without sender 2', 'moving'])
  t.equal(fixture.pool.counts().evicted, 2, 'those that ended for memory')
  t.end()
})

t.test('for descriptors, the quietest connection of a client ends if it is quiet', t => {
  const service = {}
  const connections = new HeldBackConnections(new MemoryPool(100 * BYTES))
  const ended: string[] = []
  const hold = (client: string, name: string, quietMs: number) => {
    const connection = { service, client, reset: () => void ended.push(name) }
    connections.note(connection, { heldBytes: BYTES, quietMs, isSenderGone: false })
  }
  hold('10.0.0.1', 'quiet', 5000)
  hold('10.0.0.1', 'moving', 0)
  hold('10.0.0.2', 'moving, too', 4999)
  t.notOk(connections.endQuiet(service, '10.0.0.2'))
  t.notOk(connections.endQuiet({}, '10.0.0.1'))
  t.ok(connections.endQuiet(service, '10.0.0.1'))
  t.notOk(connections.endQuiet(service, '10.0.0.1'))
  t.strictSame(ended, ['quiet'])
  t.end()
})

t.test('for the kernel, at most 64 connections end before its memory is looked at again', t => {
  const fixture = new Fixture(1000)
  for (let n = 0; n < 900; n++) fixture.hold('hung', '10.0.0.1', 'hung')
  fixture.connections.sweep(900)
  t.equal(fixture.ended.length, 64)
  t.end()
})

t.test('when the kernel is short of memory, so many end as are asked for, and only quiet ones', t => {
  const fixture = new Fixture(1000)
  for (let n = 0; n < 5; n++) fixture.hold('hung', '10.0.0.1', `quiet ${n}`)
  for (let n = 0; n < 9; n++) fixture.hold('busy', '10.0.0.1', 'busy', 100)
  fixture.connections.sweep(2)
  t.strictSame(fixture.ended, ['quiet 0', 'quiet 1'])
  fixture.connections.sweep(10)
  t.equal(fixture.ended.length, 5)
  t.notOk(fixture.ended.includes('busy'))
  t.end()
})

t.test('connections end for the kernel only if it is short of memory and they have a good part of it', t => {
  const pressure = 1600 * 2 ** 20
  for (const [heldBack, processes, used, expected] of [
    [500, 1, undefined, 0],
    [500, 1, pressure, 0],
    [500, 1, pressure + 1, 63],
    // 200 of them have a quarter.
    [199, 1, pressure + 1, 0],
    [200, 1, pressure + 1, 25],
    [50, 4, pressure + 1, 7],
    [49, 4, pressure + 1, 0],
    [1, 1, 2 * pressure, 0],
  ] as const) {
    const memory = used === undefined ? undefined : { used, pressure }
    t.equal(heldBackToEndForKernel(heldBack, processes, memory), expected, `${heldBack} of ${processes} processes`)
  }
  t.end()
})
