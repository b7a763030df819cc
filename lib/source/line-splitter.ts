const NEWLINE = 0x0a

/** Longer than any object in an API server (etcd's limit is 1.5 MB), and short enough for the memory. */
const DEFAULT_MAX_BYTES = 64 * 1024 * 1024

/**
 * Cuts a byte stream into lines.
 *
 * It joins and decodes bytes only when a line is complete. A line of many chunks is copied once, and a character with bytes in
 * two chunks stays intact (0x0a does not occur inside a UTF-8 character).
 */
export class LineSplitter {
  readonly #maxBytes: number
  #parts: Buffer[] = []
  #bytes = 0

  constructor(maxBytes = DEFAULT_MAX_BYTES) {
    this.#maxBytes = maxBytes
  }

  /**
   * Returns the lines that this chunk completes, without line ends and without empty lines.
   * @throws RangeError if a line is too long
   */
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
