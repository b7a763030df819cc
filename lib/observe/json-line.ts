import { type LogRecord } from './log-record.js'

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
