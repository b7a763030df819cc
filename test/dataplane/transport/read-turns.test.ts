import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import { ReadTurns, TURN_BYTES } from '../../../lib/dataplane/transport/read-turns.js'

/** A connection that has always more to read, and reads as long as it is not paused. */
class BulkReader {
  isPaused = false
  reads = 0
  readonly #turns: ReadTurns
  readonly #bytes: number

  constructor(turns: ReadTurns, bytes: number) {
    this.#turns = turns
    this.#bytes = bytes
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
  }

  readOnce(): void {
    this.reads++
    this.#turns.countFullRead(this, this.#bytes)
  }
}

t.test('in a turn bulk data takes its part, and connections go on in turn', async t => {
  const turns = new ReadTurns()
  const readers = Array.from({ length: 40 }, () => new BulkReader(turns, TURN_BYTES / 2))
  const takeTurn = async (): Promise<number> => {
    const before = readers.reduce((sum, { reads }) => sum + reads, 0)
    for (const reader of readers) while (!reader.isPaused) reader.readOnce()
    await nextTurn()
    return readers.reduce((sum, { reads }) => sum + reads, 0) - before
  }
  t.equal(await takeTurn(), 41, 'one read of each that is not paused yet')
  for (let turn = 0; turn < 60; turn++) t.ok((await takeTurn()) <= 3)
  const reads = readers.map(reader => reader.reads)
  t.ok(Math.min(...reads) >= 3, `they take turns: ${reads.join(' ')}`)
})

t.test(
  'a connection that reads little is not paused, and one that is paused goes on when the others have ended',
  async t => {
    const turns = new ReadTurns()
    const [small, large] = [new BulkReader(turns, 1000), new BulkReader(turns, TURN_BYTES)]
    for (let turn = 0; turn < 60; turn++) {
      for (let read = 0; read < 100; read++) small.readOnce()
      t.notOk(small.isPaused)
      await nextTurn()
    }
    large.readOnce()
    t.ok(large.isPaused)
    await nextTurn()
    t.notOk(large.isPaused)
  },
)

t.test('a paused connection goes on although those before it read no more', async t => {
  const turns = new ReadTurns()
  const [first, second, last] = [0, 1, 2].map(() => new BulkReader(turns, TURN_BYTES))
  const readers = [first!, second!, last!]
  for (const reader of readers) reader.readOnce()
  for (const waiting of [2, 1, 0]) {
    await nextTurn()
    t.equal(readers.filter(({ isPaused }) => isPaused).length, waiting)
  }
})
