import { messageOf, ProxyFailure, systemCode } from '../model/failure.js'
import { type Log, type LogFields } from '../model/log.js'
import { boundedStderr } from './bounded-stderr.js'
import { callerPosition } from './caller-position.js'
import { goQuote } from './go-quote.js'
import { createMicrosecondClock } from './microsecond-clock.js'

/** Where and how log lines are written. */
export interface KlogOptions {
  /** Writes `info` lines up to this level (kube-proxy's `--v`). */
  readonly verbosity: number
  /** Writes one line that ends with a newline; standard error by default. */
  readonly write?: (line: string) => void
  /** Milliseconds since 1970, with a fraction. */
  readonly now?: () => number
  readonly pid?: number
  /** Whether the severity letter is coloured; by default as `wantsColour` decides for standard error. */
  readonly colour?: boolean
}

type Severity = 'I' | 'W' | 'E'

const COLOURS: Readonly<Record<Severity, string>> = { I: '\x1b[36m', W: '\x1b[33m', E: '\x1b[31m' }

/**
 * Creates a log with klog's structured text format, so that tools for kube-proxy's log can read it:
 *
 *     I1124 08:09:06.123456   12345 sync-loop.js:42] "message" key="value" count=3
 *
 * One call writes one line, whatever the values contain. No call throws: a log that cannot be written must not stop traffic.
 */
export function createKlog(options: KlogOptions): Log {
  const { verbosity, now = createMicrosecondClock(), pid = process.pid } = options
  const colour = options.colour ?? (options.write === undefined && wantsColour(process.env, process.stderr.isTTY))

  const line = (severity: Severity, position: string, message: string, fields: LogFields): void => {
    const letter = colour ? `${COLOURS[severity]}${severity}\x1b[0m` : severity
    const header = `${letter}${klogTime(now())} ${String(pid).padStart(7)} ${position}]`
    try {
      write(`${header} ${goQuote(message)}${fieldsText(fields)}\n`)
    } catch {
      // There is no other place to report it.
    }
  }

  const write =
    options.write ?? boundedStderr(lines => log.warn('Dropped log lines: standard error was not read', { lines }))
  const log: Log = {
    info: (level, message, fields = {}) => {
      if (level <= verbosity) line('I', callerPosition(log.info), message, fields)
    },
    warn: (message, fields = {}) => line('W', callerPosition(log.warn), message, fields),
    error: (message, error, fields = {}) =>
      line('E', callerPosition(log.error), message, { ...errorFields(error), ...fields }),
    enabled: level => level <= verbosity,
  }
  return log
}

/** Colour only for a terminal. NO_COLOR (https://no-color.org) turns it off, and FORCE_COLOR decides before both, as in Node.js. */
export function wantsColour(env: NodeJS.ProcessEnv, isTerminal: boolean): boolean {
  if (env['FORCE_COLOR'] !== undefined) return env['FORCE_COLOR'] !== '0' && env['FORCE_COLOR'] !== 'false'
  return isTerminal && (env['NO_COLOR'] ?? '') === ''
}

/** `mmdd hh:mm:ss.uuuuuu` in local time, as in klog. */
function klogTime(ms: number): string {
  const micros = Math.floor(ms * 1000)
  const date = new Date(Math.floor(micros / 1000))
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = two(date.getMonth() + 1) + two(date.getDate())
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
  return `${day} ${time}.${String(micros % 1_000_000).padStart(6, '0')}`
}

function fieldsText(fields: LogFields): string {
  let text = ''
  for (const [key, value] of Object.entries(fields)) {
    if (value !== undefined) text += ` ${key}=${typeof value === 'string' ? goQuote(value) : value}`
  }
  return text
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
