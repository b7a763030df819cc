import { type LogFields } from '../model/log.js'
import { goQuote } from './go-quote.js'

/** Information, warning, error: the first letter of a klog line. */
export type Severity = 'I' | 'W' | 'E'

const COLOURS: Readonly<Record<Severity, string>> = { I: '\x1b[36m', W: '\x1b[33m', E: '\x1b[31m' }

/** What a log line says. */
export interface LogRecord {
  readonly severity: Severity
  /** The verbosity from which on the line is written. */
  readonly level: number
  /** `file.js:line` of the call. */
  readonly position: string
  readonly message: string
  readonly fields: LogFields
  /** Milliseconds since 1970, with a fraction. */
  readonly at: number
}

/**
 * A line in the JSON format of Kubernetes' components. As there, `ts` is the time in milliseconds, and an error has no level:
 *
 *     {"ts":1700000000123.456,"caller":"sync-loop.js:42","msg":"message","v":2,"key":"value","count":3}
 */
export function jsonLine({ severity, level, position, message, fields, at }: LogRecord): string {
  return JSON.stringify({
    ts: Math.floor(at * 1000) / 1000,
    caller: position,
    msg: message,
    ...(severity !== 'E' && { v: level }),
    // Kubernetes' format does not distinguish warnings from information.
    ...(severity === 'W' && { severity: 'warning' }),
    ...fields,
  })
}

/**
 * A line in klog's structured text format:
 *
 *     I1124 08:09:06.123456   12345 sync-loop.js:42] "message" key="value" count=3
 *
 * @param colour whether the letter of the severity is coloured
 */
export function textLine({ severity, position, message, fields, at }: LogRecord, pid: number, colour: boolean): string {
  const letter = colour ? `${COLOURS[severity]}${severity}\x1b[0m` : severity
  return `${letter}${klogTime(at)} ${String(pid).padStart(7)} ${position}] ${goQuote(message)}${fieldsText(fields)}`
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
