/**
 * Creates a wall clock with microseconds: milliseconds since 1970 with a fraction.
 *
 * The fraction comes from the monotonic clock, which does not change when the system's clock is set or corrected. When the two
 * differ by more than the rounding of `Date.now()`, the offset between them is measured again.
 */
export function createMicrosecondClock(
  wall: () => number = Date.now,
  monotonic: () => number = () => performance.now(),
): () => number {
  let offset = wall() - monotonic()
  return () => {
    const coarse = wall()
    const fine = monotonic() + offset
    if (fine >= coarse - 1 && fine < coarse + 2) return fine
    offset += coarse - fine
    return coarse
  }
}
