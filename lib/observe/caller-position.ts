const POSITION = /([^/\\(]+):(\d+):\d+\)?$/

/**
 * The position of the caller of `callee` as `file.js:line`, as klog shows it; `???:1` if it is unknown, as in Go.
 *
 * It captures one stack frame, which takes a few microseconds. Call it only for a line that is written.
 */
export function callerPosition(callee: (...args: never[]) => unknown): string {
  const limit = Error.stackTraceLimit
  const holder: { stack?: unknown } = {}
  Error.stackTraceLimit = 1
  Error.captureStackTrace(holder, callee)
  Error.stackTraceLimit = limit
  const match = typeof holder.stack === 'string' ? POSITION.exec(holder.stack) : null
  return match === null ? '???:1' : `${match[1]}:${match[2]}`
}
