import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import { READ_COST, type Reader, ReadTurns, TURN_COST } from '../../../lib/dataplane/transport/read-turns.js'

/** libuv reads a socket so many times in a turn while reads fill the buffer. */
const MAX_READS = 32
const KB = 1024

/** A connection that has always more to read, and reads as long as it is not paused. */
class BusyReader implements Reader {
  due = 0
  pauseAt = 0
  isPaused = false
  reads = 0
  readonly bytes: number
  readonly #turns: ReadTurns
  readonly #isHeldBack: boolean
  #isWaitingForReceiver = false

  /**
   * @param bytes of each read
   * @param isHeldBack whether its receiver takes what it reads a turn later
   */
  constructor(turns: ReadTurns, bytes: number, isHeldBack = false) {
    this.#turns = turns
    this.bytes = bytes
    this.#isHeldBack = isHeldBack
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
  }

  /** Reads as libuv does. @returns the cost */
  read(): number {
    if (this.#isWaitingForReceiver) {
      this.#isWaitingForReceiver = false
      this.#turns.goOn(this, this.bytes)
      return 0
    }
    let cost = 0
    // A read that does not fill its buffer is the last one of the turn.
    for (let left = this.bytes < 64 * KB ? 1 : MAX_READS; left > 0 && !this.isPaused; left--) {
      this.reads++
      cost += this.bytes + READ_COST
      this.#readOnce()
    }
    return cost
  }

  get moved(): number {
    return this.reads * this.bytes
  }

  #readOnce(): void {
    if (!this.#isHeldBack) return this.#turns.countRead(this, this.bytes)
    this.isPaused = true
    this.#isWaitingForReceiver = true
    this.#turns.countHeldRead(this, this.bytes)
  }
}

/** An event loop with connections that have always more to read. */
class Loop {
  readonly readers: BusyReader[] = []
  readonly #turns = new ReadTurns()

  add(count: number, bytes: number, isHeldBack = false): BusyReader[] {
    const added = Array.from({ length: count }, () => new BusyReader(this.#turns, bytes, isHeldBack))
    this.readers.push(...added)
    return added
  }

  /** @returns the cost of the reads of each turn */
  async run(turns: number): Promise<number[]> {
    const costs: number[] = []
    for (let turn = 0; turn < turns; turn++) {
      costs.push(this.readers.reduce((sum, reader) => sum + reader.read(), 0))
      await nextTurn()
    }
    return costs
  }
}

/** The most bytes of one connection, divided by the least. */
function spreadOf(readers: readonly BusyReader[]): number {
  const moved = readers.map(reader => reader.moved)
  return Math.max(...moved) / Math.min(...moved)
}

t.test('connections with large and with small buffers get the same number of bytes', async t => {
  const loop = new Loop()
  loop.add(24, 64 * KB)
  loop.add(16, TURN_COST)
  loop.add(3, 64 * KB)
  loop.add(5, 2000 * KB, true)
  const costs = await loop.run(3000)
  t.ok(spreadOf(loop.readers) < 1.25, `the most to the least: ${spreadOf(loop.readers)}`)
  t.ok(Math.max(...costs.slice(2)) <= 3 * TURN_COST, `${Math.max(...costs.slice(2))} in a turn`)
})

for (const [what, isHeldBack] of [
  ['whose receivers take them at once', false],
  ['whose receivers take them a turn later', true],
] as const)
  t.test(`5,000 connections with small messages, ${what}, fill no turn, and take turns`, async t => {
    const loop = new Loop()
    const readers = loop.add(5000, 100, isHeldBack)
    const costs = await loop.run(200)
    // In the first turn libuv reads from whatever has data.
    const most = Math.max(...costs.slice(2))
    t.ok(most <= 2 * TURN_COST, `${most} in a turn`)
    t.ok(costs.at(-1)! > TURN_COST / 2, 'no turn is left empty')
    const reads = readers.map(reader => reader.reads)
    t.ok(Math.max(...reads) - Math.min(...reads) <= 16, `${Math.min(...reads)} to ${Math.max(...reads)} reads`)
  })

t.test('connections with bulk data fill every turn, because one that goes on reads several times', async t => {
  const loop = new Loop()
  const readers = loop.add(40, 64 * KB)
  const costs = (await loop.run(200)).slice(2)
  t.ok(Math.min(...costs) > TURN_COST / 2, `${Math.min(...costs)} in a turn`)
  t.ok(Math.max(...costs) <= 2 * TURN_COST, `${Math.max(...costs)} in a turn`)
  t.ok(spreadOf(readers) < 1.25, `the most to the least: ${spreadOf(readers)}`)
})

t.test('reads that do not fill their buffers count', async t => {
  const loop = new Loop()
  const readers = loop.add(500, 64 * KB - 1)
  const costs = await loop.run(200)
  const most = Math.max(...costs.slice(2))
  t.ok(most <= 2 * TURN_COST, `${most} in a turn`)
  t.ok(spreadOf(readers) <= 1.5, `the most to the least: ${spreadOf(readers)}`)
})

t.test('a connection with short messages goes on before those with bulk data', async t => {
  const loop = new Loop()
  loop.add(30, TURN_COST)
  const [small] = loop.add(1, 1000)
  await loop.run(100)
  // Each of the others gets three reads.
  t.ok(small!.reads >= 50, `${small!.reads} messages in 100 turns`)
})

t.test('little data costs no pause, and a connection that is paused goes on when the others have ended', async t => {
  const turns = new ReadTurns()
  const [small, large] = [new BusyReader(turns, 1000), new BusyReader(turns, TURN_COST)]
  for (let turn = 0; turn < 60; turn++) {
    for (let read = 0; read < 100; read++) small.read()
    t.notOk(small.isPaused)
    await nextTurn()
  }
  large.read()
  t.ok(large.isPaused)
  await nextTurn()
  t.notOk(large.isPaused)
})

t.test('a paused connection goes on although those before it read no more', async t => {
  const turns = new ReadTurns()
  const readers = [0, 1, 2].map(() => new BusyReader(turns, TURN_COST))
  for (const reader of readers) reader.read()
  for (const waiting of [2, 1, 0]) {
    await nextTurn()
    t.equal(readers.filter(({ isPaused }) => isPaused).length, waiting)
  }
})
