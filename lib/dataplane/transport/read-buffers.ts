/** Size of the shared buffer, which idle connections and small reads use. */
const SHARED_BYTES = 64 * 1024
/** Size of a large buffer, which a connection with bulk data gets. Half the size moves a sixth less per CPU-second. */
const LARGE_BYTES = 2 * 1024 * 1024
/** The most large buffers that are lent at a time. A connection that gets none goes on with the shared one. */
const MAX_LENT = 16
/** The most free buffers of each size that are kept for reuse. */
const MAX_FREE = 8
/** How often unused large buffers are reclaimed, in milliseconds. */
const RECLAIM_INTERVAL_MS = 1000

/** A connection that may have a large buffer. */
export interface Borrower {
  /** Gives the buffer back; false: a write from it is pending. */
  tryReturn(buffer: Uint8Array): boolean
}

interface Loan {
  readonly borrower: Borrower
  wasFilled: boolean
}

/**
 * The memory that bytes pass through between two sockets.
 *
 * All connections read into one shared buffer, so an idle connection holds no memory. The bytes are copied to the outbox before
 * they are written: bytes that the kernel does not take at once must not change, but the shared buffer is needed for the next
 * read. The outbox is not: it stays with the pending write, and another outbox takes its place.
 *
 * Bulk data would move a third slower per CPU-second with that copy. So a connection that fills the shared buffer borrows a large
 * one, whose bytes are written without a copy. It gives the buffer back when it reads less than the shared buffer holds, or rests.
 */
export class ReadBuffers {
  readonly shared = new Uint8Array(SHARED_BYTES)
  readonly #loans = new Map<Uint8Array, Loan>()
  readonly #freeLarge: Uint8Array[] = []
  readonly #freeOutboxes: ArrayBuffer[] = []
  #timer: NodeJS.Timeout | undefined
  #outbox = new ArrayBuffer(SHARED_BYTES)
  /** Views of both with the last length: most messages of a connection have the same length. */
  #sharedView = this.shared
  #outboxView = new Uint8Array(this.#outbox)

  /** The bytes to write for the first `length` bytes that were read into `buffer`. To be written before the next call. */
  prepareWrite(buffer: Uint8Array, length: number): Uint8Array {
    if (buffer !== this.shared && length >= SHARED_BYTES) return buffer.subarray(0, length)
    if (this.#outboxView.length !== length) this.#outboxView = new Uint8Array(this.#outbox, 0, length)
    if (buffer === this.shared) {
      if (this.#sharedView.length !== length) this.#sharedView = this.shared.subarray(0, length)
      this.#outboxView.set(this.#sharedView)
    } else this.#outboxView.set(buffer.subarray(0, length))
    return this.#outboxView
  }

  /** The write of the bytes that `prepareWrite` returned last is pending: they must not change. */
  detach(bytes: Uint8Array): void {
    if (bytes.buffer !== this.#outbox) return
    this.#outbox = this.#freeOutboxes.pop() ?? new ArrayBuffer(SHARED_BYTES)
    this.#outboxView = new Uint8Array(this.#outbox)
  }

  /** The pending write of these bytes is done. */
  recycle({ buffer }: Uint8Array): void {
    if (buffer.byteLength === SHARED_BYTES && this.#freeOutboxes.length < MAX_FREE)
      this.#freeOutboxes.push(buffer as ArrayBuffer)
  }

  /** The buffer for the next read, after a read of `length` bytes into `buffer` that were written or copied. */
  nextBuffer(borrower: Borrower, buffer: Uint8Array, length: number): Uint8Array {
    if (buffer === this.shared) return length === SHARED_BYTES ? this.#lend(borrower) : buffer
    if (length < SHARED_BYTES) {
      this.returnBuffer(buffer)
      return this.shared
    }
    this.#loans.get(buffer)!.wasFilled = true
    return buffer
  }

  /** Takes a large buffer back: it is no longer read into, and no write from it is pending. */
  returnBuffer(buffer: Uint8Array): void {
    if (this.#loans.has(buffer) && this.#freeLarge.length < MAX_FREE) this.#freeLarge.push(buffer)
    this.discard(buffer)
  }

  /** Forgets a large buffer: it is no longer read into, but a write from it may be pending. */
  discard(buffer: Uint8Array): void {
    this.#loans.delete(buffer)
    if (this.#loans.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** Takes back the large buffers that were not filled since the last call. A timer calls this every second. */
  reclaim(): void {
    for (const [buffer, loan] of this.#loans) {
      if (!loan.wasFilled && loan.borrower.tryReturn(buffer)) this.returnBuffer(buffer)
      else loan.wasFilled = false
    }
  }

  #lend(borrower: Borrower): Uint8Array {
    if (this.#loans.size >= MAX_LENT) return this.shared
    const buffer = this.#freeLarge.pop() ?? new Uint8Array(LARGE_BYTES)
    this.#loans.set(buffer, { borrower, wasFilled: true })
    // A real timer: buffers exist before there is a data plane with a clock, and only memory depends on it.
    this.#timer ??= setInterval(() => this.reclaim(), RECLAIM_INTERVAL_MS).unref()
    return buffer
  }
}
