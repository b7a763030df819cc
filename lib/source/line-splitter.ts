const NEWLINE = 0x0a

/** Longer than anything an API server can store (etcd's limit is 1.5 MB), short enough not to exhaust memory. */
const DEFAULT_MAX_BYTES = 64 * 1024 * 1024

/**
 * Cuts a byte stream into lines.
 *
 * Bytes are joined and decoded only when a line is complete: a line of many chunks costs one copy, and a character
 * whose UTF-8 bytes lie in two chunks is never torn (0x0a does not occur inside one).
 */
export class LineSplitter {
  readonly #maxBytes: number
  #parts: Buffer[] = []
  #bytes = 0

  constructor(maxBytes = DEFAULT_MAX_BYTES) {
    this.#maxBytes = maxBytes
  }

  /** The lines that this chunk completes, without their ends; empty lines are left out. Throws RangeError on a line without end. */
  push(chunk: Buffer): string[] {
    const lines: string[] = []
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const line = this.#take(chunk.subarray(start, end))
      if (line.trim() !== '') lines.push(line)
      start = end + 1
    }
    if (start < chunk.length) {
      this.#parts.push(chunk.subarray(start))
      this.#bytes += chunk.length - start
      if (this.#bytes > this.#maxBytes) throw new RangeError(`a line is longer than ${this.#maxBytes} bytes`)
    }
    return lines
  }

  #take(last: Buffer): string {
    if (this.#parts.length === 0) return last.toString('utf8')
    const line = Buffer.concat([...this.#parts, last]).toString('utf8')
    this.#parts = []
    this.#bytes = 0
    return line
  }
}
