import t from 'tap'
import { type Borrower, ReadBuffers } from '../../../lib/dataplane/transport/read-buffers.js'

const SHARED = 64 * 1024

class Reader implements Borrower {
  readonly requested: Uint8Array[] = []
  isBusy = false

  tryReturn(buffer: Uint8Array): boolean {
    this.requested.push(buffer)
    return !this.isBusy
  }
}

/** Simulates a read of `length` bytes that are all `value`, and returns the bytes to write. */
function read(buffers: ReadBuffers, into: Uint8Array, length: number, value: number): Uint8Array {
  into.fill(value, 0, length)
  return buffers.prepareWrite(into, length)
}

t.test('the bytes to write are the bytes that were read, and the next read does not change a pending write', t => {
  const buffers = new ReadBuffers()
  const first = read(buffers, buffers.shared, 100, 1)
  t.strictSame([...first], Array(100).fill(1))
  buffers.detach(first)
  const second = read(buffers, buffers.shared, 100, 2)
  t.strictSame([...first], Array(100).fill(1))
  t.strictSame([...second], Array(100).fill(2))
  buffers.detach(second)
  buffers.recycle(first)
  // The memory of the first write is free again, that of the second is not.
  read(buffers, buffers.shared, SHARED, 3)
  buffers.detach(buffers.prepareWrite(buffers.shared, SHARED))
  read(buffers, buffers.shared, SHARED, 4)
  t.strictSame([...second], Array(100).fill(2))
  t.end()
})

t.test('reads of different lengths are written with their own length', t => {
  const buffers = new ReadBuffers()
  for (const length of [1, 5, 5, SHARED, 2, 2, 60_000]) {
    const bytes = read(buffers, buffers.shared, length, length % 251)
    t.equal(bytes.length, length)
    t.ok(
      bytes.every(byte => byte === length % 251),
      `${length} bytes`,
    )
    if (length === 5) buffers.detach(bytes)
  }
  t.end()
})

t.test('a reader that fills the shared buffer gets a large one, which is written without a copy and given back', t => {
  const buffers = new ReadBuffers()
  const reader = new Reader()
  t.ok(buffers.nextBuffer(reader, buffers.shared, SHARED - 1) === buffers.shared)
  const large = buffers.nextBuffer(reader, buffers.shared, SHARED)
  t.ok(large.length > SHARED)
  t.ok(read(buffers, large, 300_000, 7).buffer === large.buffer)
  t.ok(buffers.nextBuffer(reader, large, 300_000) === large)
  const last = read(buffers, large, 10, 8)
  t.ok(last.buffer !== large.buffer, 'a short read is copied, so that the buffer is free at once')
  t.ok(buffers.nextBuffer(reader, large, 10) === buffers.shared)
  t.ok(buffers.nextBuffer(new Reader(), buffers.shared, SHARED) === large, 'the next reader gets it')
  t.end()
})

t.test('each reader has its own large buffer, up to a maximum', t => {
  const buffers = new ReadBuffers()
  const lent = new Set<Uint8Array>()
  for (let n = 0; n < 1000; n++) lent.add(buffers.nextBuffer(new Reader(), buffers.shared, SHARED))
  t.equal(lent.size, 17, 'sixteen, and the shared one for all other readers')
  const [one] = lent
  buffers.discard(one!)
  const other = buffers.nextBuffer(new Reader(), buffers.shared, SHARED)
  t.not(lent.has(other), 'a buffer with a possible pending write is not lent again')
  for (const buffer of [...lent, other]) buffers.discard(buffer)
  t.end()
})

t.test('a large buffer is reclaimed from a reader that rests, not from one that goes on or is writing', t => {
  const buffers = new ReadBuffers()
  const [resting, busy, going] = [new Reader(), new Reader(), new Reader()]
  busy.isBusy = true
  const large = buffers.nextBuffer(resting, buffers.shared, SHARED)
  const held = buffers.nextBuffer(busy, buffers.shared, SHARED)
  const filled = buffers.nextBuffer(going, buffers.shared, SHARED)
  buffers.reclaim()
  t.equal(resting.requested.length + busy.requested.length, 0, 'all buffers were lent just now')
  for (let n = 0; n < 3; n++) {
    buffers.nextBuffer(going, filled, filled.length)
    buffers.reclaim()
  }
  t.equal(going.requested.length, 0)
  t.ok(resting.requested.length === 1 && resting.requested[0] === large, 'asked once')
  t.ok(busy.requested.length === 3 && busy.requested.every(buffer => buffer === held))
  busy.isBusy = false
  buffers.reclaim()
  buffers.reclaim()
  t.equal(busy.requested.length, 4, 'a reader without a buffer is not asked')
  for (const buffer of [large, held, filled]) buffers.discard(buffer)
  t.end()
})
