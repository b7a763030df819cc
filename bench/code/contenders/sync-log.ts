import { type ChildProcess } from 'node:child_process'
import { parseDuration } from '../../../lib/config/duration.js'
import { ProgramLog } from '../../../lib/demo/program-log.js'
import { TimeLimitExceeded } from '../time-limit-exceeded.js'
import { parseKlogTime } from './klog-time.js'

export type ProxyProgram = 'kube-proxy-node' | 'original'

/** A sync of rules, as the program logs it. */
export interface LoggedSync {
  /** The time of the line in milliseconds since 1970. */
  readonly at: number
  readonly tookMs: number
  /** The position in the log after the line. */
  readonly nextLine: number
}

/** The lines that show a sync: of this proxy those with changes, or all. */
const CHANGED_SYNC_PATTERNS: Readonly<Record<ProxyProgram, RegExp>> = {
  'kube-proxy-node': /"Synced rules" family="IPv4" changed=true .*ms=(\d+)/,
  original: /syncProxyRules took (\S+)/,
}
const ANY_SYNC_PATTERNS: Readonly<Record<ProxyProgram, RegExp>> = {
  ...CHANGED_SYNC_PATTERNS,
  'kube-proxy-node': /"Synced rules" family="IPv4" .*ms=(\d+)/,
}

/** The syncs in the log of a proxy. */
export class SyncLog {
  readonly #program: ProxyProgram
  readonly #log: ProgramLog
  readonly #child: ChildProcess
  readonly #limitMs: number

  /** @param limitMs how long to wait for a sync, in milliseconds */
  constructor(program: ProxyProgram, child: ChildProcess, limitMs: number) {
    this.#program = program
    this.#child = child
    this.#limitMs = limitMs
    this.#log = new ProgramLog(child, child.stderr!, limitMs)
  }

  /** The current end of the log, to wait for later lines. */
  get length(): number {
    return this.#log.lines.length
  }

  /** The first sync after the position `from`, with or without changes. @throws TimeLimitExceeded */
  waitForAny(from: number): Promise<LoggedSync> {
    return this.#waitForSync(ANY_SYNC_PATTERNS, from)
  }

  /** The first sync with changes after the position `from`. @throws TimeLimitExceeded */
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

/** Parses the line of a sync. @throws Error if it is another line */
export function parseSyncLine(program: ProxyProgram, line: string, about = Date.now()): Omit<LoggedSync, 'nextLine'> {
  const [, took] = ANY_SYNC_PATTERNS[program].exec(line) ?? []
  const tookMs = took === undefined ? undefined : program === 'kube-proxy-node' ? Number(took) : parseDuration(took)
  if (tookMs === undefined) throw new Error(`No sync in the log line "${line}"`)
  return { at: parseKlogTime(line, about), tookMs }
}
