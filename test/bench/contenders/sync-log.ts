import { type ChildProcess } from 'node:child_process'
import { parseDuration } from '../../../lib/config/duration.js'
import { LogLines } from '../../../lib/demo/log-lines.js'
import { TakesTooLong } from '../takes-too-long.js'
import { klogTime } from './klog-time.js'

export type ProxyProgram = 'ours' | 'original'

/** A sync of rules, as its program logs it. */
export interface LoggedSync {
  /** When the line was written, in milliseconds since 1970. */
  readonly at: number
  readonly tookMs: number
  /** Where the log goes on after the line. */
  readonly end: number
}

/** Which lines tell of a sync: of ours those that had something to write, or any. */
const CHANGED: Readonly<Record<ProxyProgram, RegExp>> = {
  ours: /"Synced rules" family="IPv4" changed=true .*ms=(\d+)/,
  original: /syncProxyRules took (\S+)/,
}
const ANY: Readonly<Record<ProxyProgram, RegExp>> = { ...CHANGED, ours: /"Synced rules" family="IPv4" .*ms=(\d+)/ }

/** What a proxy's log says of its syncs. */
export class SyncLog {
  readonly #program: ProxyProgram
  readonly #log: LogLines
  readonly #child: ChildProcess
  readonly #limitMs: number

  /** @param limitMs how long a sync is waited for, in milliseconds */
  constructor(program: ProxyProgram, child: ChildProcess, limitMs: number) {
    this.#program = program
    this.#child = child
    this.#limitMs = limitMs
    this.#log = new LogLines(child, child.stderr!, limitMs)
  }

  /** Where the log ends now: to wait for what comes after it. */
  get end(): number {
    return this.#log.lines.length
  }

  /** The first sync of those logged from `from` on, whether there was something to write or not. @throws TakesTooLong */
  any(from: number): Promise<LoggedSync> {
    return this.#sync(ANY, from)
  }

  /** The first sync that wrote something, of those logged from `from` on. @throws TakesTooLong */
  next(from: number): Promise<LoggedSync> {
    return this.#sync(CHANGED, from)
  }

  async #sync(patterns: typeof CHANGED, from: number): Promise<LoggedSync> {
    const pattern = patterns[this.#program]
    try {
      const line = await this.#log.line(pattern, from)
      return { ...readSync(this.#program, line), end: this.#log.lines.indexOf(line, from) + 1 }
    } catch (error) {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) throw error
      throw new TakesTooLong('a sync of rules', this.#limitMs)
    }
  }
}

/** Reads a line of a sync. @throws Error when it is none */
export function readSync(program: ProxyProgram, line: string, about = Date.now()): Omit<LoggedSync, 'end'> {
  const [, took] = ANY[program].exec(line) ?? []
  const tookMs = took === undefined ? undefined : program === 'ours' ? Number(took) : parseDuration(took)
  if (tookMs === undefined) throw new Error(`No sync in the log line "${line}"`)
  return { at: klogTime(line, about), tookMs }
}
