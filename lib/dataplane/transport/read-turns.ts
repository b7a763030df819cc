/**
 * Bytes of bulk data per turn of the event loop, about a millisecond of work. libuv accepts one client per listener and turn, and reads a
 * socket up to 32 times a turn while reads fill the buffer.
 */
export const TURN_BYTES = 2 * 1024 * 1024

/** A connection that reads until it is paused. */
export interface Reader {
  pause(): void
  resume(): void
}

/**
 * Shares the turns of the event loop between bulk data and new clients: each client waits for several turns until it has its answer, and 20
 * connections could fill a turn for seconds. When the bytes of a turn are used up, each connection pauses after its next read; in later
 * turns they go on in their order, as many as fit.
 */
export class ReadTurns {
  readonly #paused: { readonly reader: Reader; readonly bytes: number }[] = []
  #bytes = 0
  #isScheduled = false

  /** Counts a read that filled its buffer: the socket probably has more. */
  countFullRead(reader: Reader, bytes: number): void {
    this.#bytes += bytes
    if (this.#bytes >= TURN_BYTES) {
      reader.pause()
      this.#paused.push({ reader, bytes })
    }
    this.#schedule()
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => this.#startTurn())
  }

  #startTurn(): void {
    this.#isScheduled = false
    this.#bytes = 0
    for (let resumed = 0; resumed < TURN_BYTES && this.#paused.length > 0;) {
      const { reader, bytes } = this.#paused.shift()!
      resumed += bytes
      reader.resume()
    }
    if (this.#paused.length > 0) this.#schedule()
  }
}
