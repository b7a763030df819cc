/**
 * Milliseconds of a clock that all processes of this machine share and that cannot be set: `performance.timeOrigin` plus
 * `performance.now()` differs between processes after a change of the system clock.
 */
export function sharedClockMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
