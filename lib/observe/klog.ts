import { messageOf, ProxyFailure, systemCode } from '../model/failure.js'
import { type Log, type LogFields } from '../model/log.js'
import { boundedStderr } from './bounded-stderr.js'
import { jsonLine, type LogRecord, type Severity, textLine } from './log-record.js'
import { createMicrosecondClock } from './microsecond-clock.js'

/** A position in a line of a stack. */
const POSITION = /([^/\\(]+):(\d+):\d+\)?$/

/** Where and how log lines are written. */
export interface KlogOptions {
  /** Writes `info` lines up to this level (kube-proxy's `--v`). */
  readonly verbosity: number
  /** Lines as klog's text, which is the default, or as objects in JSON (kube-proxy's `--logging-format`). */
  readonly format?: 'text' | 'json'
  /** Writes one line that ends with a newline; standard error by default. */
  readonly write?: (line: string) => void
  /** Milliseconds since 1970, with a fraction. */
  readonly now?: () => number
  readonly pid?: number
  /** Whether the severity letter is coloured; by default as `wantsColour` decides for standard error. */
  readonly colour?: boolean
}

/** A log whose verbosity can change. */
export interface Klog extends Log {
  setVerbosity(verbosity: number): void
}

/**
 * Creates a log with klog's structured formats, so that tools for kube-proxy's log can read it.
 *
 * One call writes one line, whatever the values contain. No call throws: a log that cannot be written must not stop traffic.
 */
export function createKlog(options: KlogOptions): Klog {
  const { format = 'text', now = createMicrosecondClock(), pid = process.pid } = options
  const colour = options.colour ?? (options.write === undefined && wantsColour(process.env, process.stderr.isTTY))
  const print = format === 'json' ? jsonLine : (record: LogRecord) => textLine(record, pid, colour)
  let { verbosity } = options

  const line = (severity: Severity, level: number, position: string, message: string, fields: LogFields): void => {
    try {
      write(`${print({ severity, level, position, message, fields, at: now() })}\n`)
    } catch {
      // There is no other place to report it.
    }
  }

  const write =
    options.write ?? boundedStderr(lines => log.warn('Dropped log lines: standard error was not read', { lines }))
  const log: Klog = {
    info: (level, message, fields = {}) => {
      if (level <= verbosity) line('I', level, callerPosition(log.info), message, fields)
    },
    warn: (message, fields = {}) => line('W', 0, callerPosition(log.warn), message, fields),
    error: (message, error, fields = {}) =>
      line('E', 0, callerPosition(log.error), message, { ...errorFields(error), ...fields }),
    enabled: level => level <= verbosity,
    setVerbosity: level => (verbosity = level),
  }
  return log
}

/** Colour only for a terminal. NO_COLOR (https://no-color.org) turns it off, and FORCE_COLOR decides before both, as in Node.js. */
export function wantsColour(env: NodeJS.ProcessEnv, isTerminal: boolean): boolean {
  if (env['FORCE_COLOR'] !== undefined) return env['FORCE_COLOR'] !== '0' && env['FORCE_COLOR'] !== 'false'
  return isTerminal && (env['NO_COLOR'] ?? '') === ''
}

function errorFields(error: unknown): LogFields {
  const isProxyFailure = error instanceof ProxyFailure
  const code = isProxyFailure ? error.code : systemCode(error)
  return {
    err: safeMessageOf(error),
    code,
    hint: isProxyFailure ? error.hint : undefined,
    // An error without a code is a mistake in the program, and only its stack shows where.
    stack: code === undefined && error instanceof Error ? error.stack : undefined,
  }
}

/** A thrown value may be impossible to print: an object without prototype, or an error that causes itself. */
function safeMessageOf(error: unknown): string {
  try {
    return messageOf(error)
  } catch {
    return 'an error that cannot be printed'
  }
}

/**
 * The position of the caller of `callee` as `file.js:line`, as klog shows it; `???:1` if it is unknown, as in Go.
 *
 * It captures one stack frame, which takes a few microseconds. Call it only for a line that is written.
 */
function callerPosition(callee: (...args: never[]) => unknown): string {
  const limit = Error.stackTraceLimit
  const holder: { stack?: unknown } = {}
  Error.stackTraceLimit = 1
  Error.captureStackTrace(holder, callee)
  Error.stackTraceLimit = limit
  const match = typeof holder.stack === 'string' ? POSITION.exec(holder.stack) : null
  return match === null ? '???:1' : `${match[1]}:${match[2]}`
}
