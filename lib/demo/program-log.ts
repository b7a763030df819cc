import { type ChildProcess } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { createInterface } from 'node:readline'
import { type Readable } from 'node:stream'

/** The lines that a program has written so far, and a way to wait for a line. */
export class ProgramLog {
  readonly lines: string[] = []
  readonly #child: ChildProcess
  readonly #timeoutMs: number
  readonly #changes = new EventEmitter()

  /**
   * @param timeoutMs how long to wait for a line, in milliseconds
   * @param ignored lines that the caller never waits for: they are not kept
   */
  constructor(child: ChildProcess, stream: Readable, timeoutMs: number, ignored?: RegExp) {
    this.#child = child
    this.#timeoutMs = timeoutMs
    createInterface({ input: stream }).on('line', line => {
      if (ignored?.test(line) === true) return
      this.lines.push(line)
      this.#changes.emit('change')
    })
    child.on('exit', () => this.#changes.emit('change'))
  }

  /**
   * Resolves with the first line that matches, starting at the line with index `from`.
   * @throws Error with the last lines if the program exits or the time is over before there is such a line
   */
  async waitFor(pattern: RegExp, from = 0): Promise<string> {
    const timeout = AbortSignal.timeout(this.#timeoutMs)
    for (let next = from; ; next++) {
      while (next >= this.lines.length) {
        const exited = this.#child.exitCode !== null || this.#child.signalCode !== null
        if (exited || timeout.aborted) {
          const why = exited ? 'the program has exited' : `timed out after ${this.#timeoutMs} ms`
          throw new Error(`No line matches ${pattern}: ${why}. Last lines:\n${this.lines.slice(-15).join('\n')}`)
        }
        await once(this.#changes, 'change', { signal: timeout }).catch(() => undefined)
      }
      if (pattern.test(this.lines[next]!)) return this.lines[next]!
    }
  }
}
