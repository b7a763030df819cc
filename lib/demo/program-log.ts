import { type ChildProcess } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { createInterface } from 'node:readline'
import { type Readable } from 'node:stream'

/** The lines that a program has written so far, and a way to wait for the next one that matters. */
export class ProgramLog {
  readonly lines: string[] = []
  readonly #child: ChildProcess
  readonly #timeoutMs: number
  readonly #changes = new EventEmitter()

  /** @param limitMs how long to wait for a line, in milliseconds */
  constructor(child: ChildProcess, stream: Readable, limitMs: number) {
    this.#child = child
    this.#timeoutMs = limitMs
    createInterface({ input: stream }).on('line', waitFor => {
      this.lines.push(waitFor)
      this.#changes.emit('news')
    })
    child.on('exit', () => this.#changes.emit('news'))
  }

  /**
   * Resolves with the first line, from the line with the index `from` on, that matches.
   * @throws Error with the last lines when the program ends, or the limit is over, before there is one
   */
  async waitFor(pattern: RegExp, from = 0): Promise<string> {
    const limit = AbortSignal.timeout(this.#timeoutMs)
    for (let next = from; ; next++) {
      while (next >= this.lines.length) {
        const ended = this.#child.exitCode !== null || this.#child.signalCode !== null
        if (ended || limit.aborted) {
          const why = ended ? 'the program has ended' : `waited ${this.#timeoutMs} ms`
          throw new Error(`No line ${pattern}: ${why}. Its last lines:\n${this.lines.slice(-15).join('\n')}`)
        }
        await once(this.#changes, 'news', { signal: limit }).catch(() => undefined)
      }
      if (pattern.test(this.lines[next]!)) return this.lines[next]!
    }
  }
}
