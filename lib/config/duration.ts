const HOUR = 3_600_000
const MINUTE = 60_000

/** Milliseconds of each unit. The micro sign and the Greek letter mu look alike, and Go accepts both. */
const UNITS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    h: HOUR,
    m: MINUTE,
    s: 1000,
    ms: 1,
    us: 0.001,
    '\u00b5s': 0.001,
    '\u03bcs': 0.001,
    ns: 0.000001,
  }),
)

/** Reads a Go duration (`250ms`, `1m30s`, `-1s`, `0`) as milliseconds; undefined for any other text. */
export function parseDuration(text: string): number | undefined {
  const match = /^([-+]?)(.+)$/.exec(text.trim())
  if (match === null) return undefined
  const [, sign, rest] = match
  if (rest === '0') return 0
  if (!/^((\d+(\.\d*)?|\.\d+)(h|ms|m|s|us|\u00b5s|\u03bcs|ns))+$/.test(rest!)) return undefined
  let total = 0
  for (const [, value, , unit] of rest!.matchAll(/(\d+(\.\d*)?|\.\d+)(h|ms|m|s|us|\u00b5s|\u03bcs|ns)/g))
    total += Number(value) * UNITS.get(unit!)!
  return sign === '-' ? 0 - total : total
}

/** A time in milliseconds as Go prints a duration, and so kube-proxy: `24h0m0s`, `1m30s`, `250ms`, `0s`. */
export function goDuration(ms: number): string {
  if (ms < 0) return `-${goDuration(-ms)}`
  if (ms > 0 && ms < 1) return ms < 0.001 ? `${Math.round(ms * 1e6)}ns` : `${round(ms * 1000)}µs`
  if (ms > 0 && ms < 1000) return `${round(ms)}ms`
  const [hours, minutes] = [Math.floor(ms / HOUR), Math.floor((ms % HOUR) / MINUTE)]
  const seconds = `${round((ms % MINUTE) / 1000)}s`
  if (hours > 0) return `${hours}h${minutes}m${seconds}`
  return minutes > 0 ? `${minutes}m${seconds}` : seconds
}

/** Without the errors of binary fractions; Go counts nanoseconds. */
function round(value: number): number {
  return Number(value.toFixed(9))
}
