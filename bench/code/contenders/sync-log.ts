import { type ChildProcess } from 'node:child_process'
import { parseDuration } from '../../../lib/config/duration.js'
import { ProgramLog } from '../../../lib/demo/program-log.js'
import { TimeLimitExceeded } from '../time-limit-exceeded.js'
import { parseKlogTime } from './klog-time.js'

export type ProxyProgram = 'ours' | 'original'

/** A sync of rules, as its program logs it. */
export interface LoggedSync {
  /** When the line was written, in milliseconds since 1970. */
  readonly at: number
  readonly tookMs: number
  /** Where the log goes on after the line. */
  readonly nextLine: number
}

/** Which lines tell of a sync: of ours those that had something to write, or any. */
const CHANGED_SYNC_PATTERNS: Readonly<Record<ProxyProgram, RegExp>> = {
  ours: /"Synced rules" family="IPv4" changed=true .*ms=(\d+)/,
  original: /syncProxyRules took (\S+)/,
}
const ANY_SYNC_PATTERNS: Readonly<Record<ProxyProgram, RegExp>> = {
  ...CHANGED_SYNC_PATTERNS,
  ours: /"Synced rules" family="IPv4" .*ms=(\d+)/,
}

/** What a proxy's log says of its syncs. */
export class SyncLog {
  readonly #program: ProxyProgram
  readonly #log: ProgramLog
  readonly #child: ChildProcess
  readonly #limitMs: number

  /** @param limitMs how long a sync is waited for, in milliseconds */
  constructor(program: ProxyProgram, child: ChildProcess, limitMs: number) {
    this.#program = program
    this.#child = child
    this.#limitMs = limitMs
    this.#log = new ProgramLog(child, child.stderr!, limitMs)
  }

  /** Where the log ends now: to wait for what comes after it. */
  get length(): number {
    return this.#log.lines.length
  }

  /** The first sync of those logged from `from` on, whether there was something to write or not. @throws TakesTooLong */
  waitForAny(from: number): Promise<LoggedSync> {
    return this.#waitForSync(ANY_SYNC_PATTERNS, from)
  }

  /** The first sync that wrote something, of those logged from `from` on. @throws TakesTooLong */
  waitForChange(from: number): Promise<LoggedSync> {
    return this.#waitForSync(CHANGED_SYNC_PATTERNS, from)
  }

  async #waitForSync(patterns: typeof CHANGED_SYNC_PATTERNS, from: number): Promise<LoggedSync> {
    const pattern = patterns[this.#program]
    try {
      const line = await this.#log.waitFor(pattern, from)
      return { ...parseSyncLine(this.#program, line), nextLine: this.#log.lines.indexOf(line, from) + 1 }
    } catch (error) {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) throw error
      throw new TimeLimitExceeded('a sync of rules', this.#limitMs)
    }
  }
}

/** Reads a line of a sync. @throws Error when it is none */
export function parseSyncLine(program: ProxyProgram, line: string, about = Date.now()): Omit<LoggedSync, 'nextLine'> {
  const [, took] = ANY_SYNC_PATTERNS[program].exec(line) ?? []
  const tookMs = took === undefined ? undefined : program === 'ours' ? Number(took) : parseDuration(took)
  if (tookMs === undefined) throw new Error(`No sync in the log line "${line}"`)
  return { at: parseKlogTime(line, about), tookMs }
}
