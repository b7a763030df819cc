import { type ReadStream } from 'node:tty'

/** What the key Ctrl-C sends while a terminal sends each key at once. */
const INTERRUPT = '\x03'

/** Reads keys from a terminal, one by one, without a wait for Enter. Between the reads the terminal is as it was. */
export class KeyReader {
  readonly #input: ReadStream
  #reject: ((reason: Error) => void) | undefined

  constructor(input: ReadStream) {
    this.#input = input
  }

  /**
   * Waits for a key that is wanted; other keys do nothing, nor do those that were pressed before. Ctrl-C sends this process SIGINT, as it
   * does at other times.
   * @param read returns what a key means; undefined: it is not wanted
   * @param onReady is called when the terminal no longer prints keys itself, and keys count from now on
   * @returns what `read` has returned; undefined at the end of the input
   * @throws Error after `close`
   */
  async read<Wanted>(
    read: (key: string) => Wanted | undefined,
    onReady: () => void = () => undefined,
  ): Promise<Wanted | undefined> {
    const input = this.#input
    if (input.readableEnded) return undefined
    let onData: (data: Buffer) => void = () => undefined
    let onEnd: () => void = () => undefined
    let begin: () => void = () => undefined
    try {
      return await new Promise<Wanted | undefined>((resolve, reject) => {
        this.#reject = reject
        let hasBegun = false
        begin = () => {
          hasBegun = true
          onReady()
        }
        onEnd = () => resolve(undefined)
        onData = data => {
          for (const key of data.toString()) {
            if (key === INTERRUPT) process.kill(process.pid, 'SIGINT')
            const wanted = hasBegun ? read(key) : undefined
            if (wanted !== undefined) return resolve(wanted)
          }
        }
        input.on('data', onData).on('end', onEnd)
        input.setRawMode(true)
        input.resume()
        // The terminal has kept the keys that were pressed before. Between these two the event loop polls once, and `onData` gets them.
        setImmediate(() => setImmediate(() => begin()))
      })
    } finally {
      begin = () => undefined
      this.#reject = undefined
      input.off('data', onData).off('end', onEnd)
      input.setRawMode(false)
      // An input that flows keeps the process alive.
      input.pause()
    }
  }

  /** Ends a read that waits. */
  close(): void {
    this.#reject?.(new Error('The command was interrupted'))
  }
}
