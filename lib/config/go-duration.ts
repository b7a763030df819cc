const HOUR = 3_600_000
const MINUTE = 60_000

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
