const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** A duration as kubectl prints an age: `850ms`, `45s`, `5m`, `3h`, `2d`. */
export function durationText(ms: number): string {
  const length = Math.max(0, ms)
  if (length < SECOND) return `${Math.round(length)}ms`
  if (length < 2 * MINUTE) return `${Math.floor(length / SECOND)}s`
  if (length < 2 * HOUR) return `${Math.floor(length / MINUTE)}m`
  if (length < 2 * DAY) return `${Math.floor(length / HOUR)}h`
  return `${Math.floor(length / DAY)}d`
}
