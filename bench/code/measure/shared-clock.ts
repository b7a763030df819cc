/**
 * Milliseconds of a clock that all processes of this machine share and that nobody sets: `performance.timeOrigin` plus
 * `performance.now()` differ between processes as soon as the system's clock has been set.
 */
export function sharedClockMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
