import { type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { ProcessTree } from '../measure/process-tree.js'

/** The log of a proxy. */
export interface MeasuredLog {
  readonly lines: readonly string[]
  waitForLine(pattern: RegExp): Promise<string>
}

/** One proxy of a case. */
export class MeasuredProxy {
  /** Resolves when its rules are in the kernel. */
  readonly ready: Promise<unknown>
  readonly #child: ChildProcess
  readonly #log: MeasuredLog
  readonly #exited: Promise<unknown>

  /** @param readyLine the line of its log after which it serves */
  constructor(child: ChildProcess, log: MeasuredLog, readyLine: RegExp) {
    this.#child = child
    this.#log = log
    this.#exited = once(child, 'exit')
    this.ready = log.waitForLine(readyLine)
    this.ready.catch(() => undefined)
  }

  /** Its first process. */
  get pid(): number {
    return this.#child.pid!
  }

  get log(): readonly string[] {
    return this.#log.lines
  }

  /** Its data-plane workers. */
  get workers(): readonly number[] {
    return this.#usage().flatMap(({ pid, command }) => (pid !== this.pid && /\bworker\b/.test(command) ? [pid] : []))
  }

  /** The process with the most resident memory: the one that the kernel kills when memory runs out. */
  get biggest(): number {
    return this.#usage().sort((a, b) => b.rssBytes - a.rssBytes)[0]!.pid
  }

  /** Sends SIGTERM. Resolves when the first process has exited. */
  async terminate(): Promise<void> {
    this.#child.kill('SIGTERM')
    await this.#exited
  }

  /** Kills the first process only. */
  async killControl(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exited
  }

  /** Kills what serves: the first process and the workers. */
  async killServing(): Promise<void> {
    for (const pid of [this.pid, ...this.workers]) process.kill(pid, 'SIGKILL')
    await this.#exited
  }

  #usage() {
    return new ProcessTree([this.pid]).usage()
  }
}
