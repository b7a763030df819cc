import { MinHeap } from '../../primitives/min-heap.js'

/** Cost of the reads of a turn of the event loop, about a millisecond of work. */
export const TURN_COST = 2 * 1024 * 1024
/** Cost of a read besides its bytes. A read of few bytes and their write take 9 µs, as long as 18 KiB of bulk data do; the half leaves a margin. */
export const READ_COST = 8 * 1024
/** What a connection with bulk data may read in a turn while others wait. */
const QUANTUM = 256 * 1024
/** One that has read as much probably has more. */
const BULK_FROM = 64 * 1024
/** Below this cost nothing is noted but the sum. It may then be that of several turns. */
const NOTED_FROM = TURN_COST / 2

/** A connection that reads until it is paused. The numbers belong to ReadTurns. */
export interface Reader {
  /** What it has read in busy turns: its place in the order. */
  due: number
  /** Where it pauses while others wait. */
  pauseAt: number
  pause(): void
  resume(): void
}

/** A reader that waits. */
interface Waiting {
  readonly reader: Reader
  /** About so much it will read in a turn. */
  readonly expected: number
}

/**
 * Shares the turns of the event loop between the data of all connections and new clients: each client waits for several turns until it has
 * its answer, libuv accepts one client per listener and turn, and reads from whatever has data, up to 32 times while reads fill the buffer.
 * Twenty connections with bulk data could fill a turn for seconds, and 5,000 with small messages for 50 ms.
 *
 * When the cost of a turn is used up, each connection pauses after its next read. In later turns they go on, as many as fit, those first
 * that have read least. So all get the same number of bytes, whatever their buffers hold, and one with short messages goes on before those
 * with bulk data. One that had nothing to read for a while counts as if it had read as much as the average. (Fair queueing; `#average` is its
 * virtual time.)
 */
export class ReadTurns {
  readonly #waiting = new MinHeap<Waiting>(({ reader }) => reader.due)
  /** Of the reads of this turn. */
  #cost = 0
  /** Of those that go on in the next turn because their receiver has taken what they had read. */
  #goingOn = 0
  #notedFrom = NOTED_FROM
  /** What a connection has read in busy turns, on average. */
  #average = 0
  #isScheduled = false

  /** Counts a read whose bytes are written. It may pause the reader, and resumes it later. */
  countRead(reader: Reader, bytes: number): void {
    const cost = bytes + READ_COST
    this.#cost += cost
    if (this.#cost < this.#notedFrom) return
    this.#note(reader, cost)
    const mayGoOn = this.#waiting.size === 0 || reader.due < Math.max(reader.pauseAt, this.#average + BULK_FROM)
    if (mayGoOn && this.#cost < TURN_COST) return
    reader.pause()
    this.#enqueue(reader, cost)
  }

  /** Counts a read after which the reader has paused by itself, because its receiver does not take the bytes. */
  countHeldRead(reader: Reader, bytes: number): void {
    const cost = bytes + READ_COST
    this.#cost += cost
    if (this.#cost >= this.#notedFrom) this.#note(reader, cost)
  }

  /** The receiver has taken these bytes: resumes the reader, now or later. */
  goOn(reader: Reader, bytes: number): void {
    const before = this.#goingOn
    const cost = bytes + READ_COST
    this.#goingOn += cost
    if (this.#goingOn < this.#notedFrom) return reader.resume()
    this.#schedule()
    if (this.#waiting.size === 0 && before < TURN_COST) return reader.resume()
    this.#goingOn = before
    this.#enqueue(reader, cost)
  }

  #note(reader: Reader, cost: number): void {
    reader.due = Math.max(reader.due, this.#average) + cost
    this.#schedule()
  }

  #enqueue(reader: Reader, cost: number): void {
    this.#waiting.push({ reader, expected: cost < BULK_FROM ? cost : Math.max(cost, QUANTUM) })
    this.#notedFrom = 0
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => this.#startTurn())
  }

  #startTurn(): void {
    this.#isScheduled = false
    const waiting = this.#waiting
    this.#average += this.#cost / Math.max(1, waiting.size)
    this.#cost = 0
    let expected = this.#goingOn
    this.#goingOn = 0
    while (expected < TURN_COST && waiting.size > 0) {
      const next = waiting.pop()!
      const { reader } = next
      expected += next.expected
      reader.pauseAt = Math.max(reader.due, this.#average) + Math.max(next.expected, BULK_FROM)
      if (waiting.size === 0) this.#average = Math.max(this.#average, reader.due)
      reader.resume()
    }
    if (waiting.size > 0) this.#schedule()
    else this.#notedFrom = NOTED_FROM
  }
}
