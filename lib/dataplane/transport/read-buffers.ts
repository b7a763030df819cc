/** Reads of all idle connections go here, and so do small ones. */
const SHARED_BYTES = 64 * 1024
/** A connection that fills the shared buffer gets one of these to itself; half the size moves a sixth less per CPU-second. */
const LARGE_BYTES = 2 * 1024 * 1024
/** Large buffers that may be lent at a time; a connection that finds none goes on with the shared one. */
const MAX_LENT = 16
/** Large buffers, and outboxes, that are kept for the next who needs one. */
const MAX_FREE = 8
/** How often large buffers are asked back, in milliseconds. */
const RECLAIM_INTERVAL_MS = 1000

/** Who has a large buffer. */
export interface Borrower {
  /** Asks for the buffer; false: it is in use. */
  tryReturn(buffer: Uint8Array): boolean
}

interface Loan {
  readonly borrower: Borrower
  wasFilled: boolean
}

/**
 * The memory that bytes pass through between two sockets.
 *
 * All connections read into one shared buffer, so that an idle one holds none. What came is copied to the outbox before it is
 * written on, since what the kernel does not take at once has to stay as it is, and the shared buffer cannot be taken away
 * from all who read into it. The outbox can: it goes to the write that is left pending, and another one takes its place.
 *
 * Bulk would move a third less per CPU-second that way. A connection that fills the shared buffer therefore gets a large one to
 * itself, is written from there without a copy, and gives it back when it no longer reads as much as the shared one holds, or rests.
 */
export class ReadBuffers {
  readonly shared = new Uint8Array(SHARED_BYTES)
  readonly #loans = new Map<Uint8Array, Loan>()
  readonly #freeLarge: Uint8Array[] = []
  readonly #freeOutboxes: ArrayBuffer[] = []
  #timer: NodeJS.Timeout | undefined
  #outbox = new ArrayBuffer(SHARED_BYTES)
  /** The beginnings of both that were used last: most messages of a connection are of one length. */
  #sharedView = this.shared
  #outboxView = new Uint8Array(this.#outbox)

  /** What is to be written of the first `length` bytes of a buffer that was read into. To be written before the next call. */
  prepareWrite(buffer: Uint8Array, length: number): Uint8Array {
    if (buffer !== this.shared && length >= SHARED_BYTES) return buffer.subarray(0, length)
    if (this.#outboxView.length !== length) this.#outboxView = new Uint8Array(this.#outbox, 0, length)
    if (buffer === this.shared) {
      if (this.#sharedView.length !== length) this.#sharedView = this.shared.subarray(0, length)
      this.#outboxView.set(this.#sharedView)
    } else this.#outboxView.set(buffer.subarray(0, length))
    return this.#outboxView
  }

  /** The write of what `outgoing` returned last is left pending. */
  detach(bytes: Uint8Array): void {
    if (bytes.buffer !== this.#outbox) return
    this.#outbox = this.#freeOutboxes.pop() ?? new ArrayBuffer(SHARED_BYTES)
    this.#outboxView = new Uint8Array(this.#outbox)
  }

  /** That write is done. */
  recycle({ buffer }: Uint8Array): void {
    if (buffer.byteLength === SHARED_BYTES && this.#freeOutboxes.length < MAX_FREE)
      this.#freeOutboxes.push(buffer as ArrayBuffer)
  }

  /** The buffer for the next read, after one of `length` bytes into `buffer`, which has been written or copied. */
  nextBuffer(borrower: Borrower, buffer: Uint8Array, length: number): Uint8Array {
    if (buffer === this.shared) return length === SHARED_BYTES ? this.#lend(borrower) : buffer
    if (length < SHARED_BYTES) {
      this.returnBuffer(buffer)
      return this.shared
    }
    this.#loans.get(buffer)!.wasFilled = true
    return buffer
  }

  /** A large buffer is not read into any more, and no write from it is pending. */
  returnBuffer(buffer: Uint8Array): void {
    if (this.#loans.has(buffer) && this.#freeLarge.length < MAX_FREE) this.#freeLarge.push(buffer)
    this.discard(buffer)
  }

  /** A large buffer is not read into any more, but may still be written from. */
  discard(buffer: Uint8Array): void {
    this.#loans.delete(buffer)
    if (this.#loans.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** Asks for the large buffers that have not been filled since this was called before. Happens by itself, every second. */
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
    this.#timer ??= setInterval(() => this.reclaim(), RECLAIM_INTERVAL_MS).unref()
    return buffer
  }
}
