const POSITION = /([^/\\(]+):(\d+):\d+\)?$/

/**
 * `file.js:line` of whoever called `callee`, as klog shows it; `???:1` when the engine does not tell, as Go does.
 *
 * Only one frame is captured and that costs a few microseconds: call this only for a line that is really written.
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
