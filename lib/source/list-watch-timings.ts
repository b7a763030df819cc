/** How long a list and watch waits. */
export interface ListWatchTimings {
  /** The shortest and longest wait after a failed attempt, in milliseconds. */
  readonly backoffFirstMs: number
  readonly backoffMaxMs: number
  /** The longest wait before a watch that ended too soon is opened again, in milliseconds. */
  readonly reopenMaxMs: number
  /** A watch that lasted this long resets the waits, in milliseconds. */
  readonly healthyMs: number
  /** The server should end a watch after a random time between these, in seconds. */
  readonly watchSecondsMin: number
  readonly watchSecondsMax: number
  /** How long after that time the server may still take, in milliseconds. */
  readonly endGraceMs: number
  /** The longest silence on a watch with a bookmark every minute, in milliseconds. */
  readonly bookmarkTimeoutMs: number
}

/** The timings of client-go's reflector, where it has them. */
export const DEFAULT_LIST_WATCH_TIMINGS: ListWatchTimings = {
  backoffFirstMs: 800,
  backoffMaxMs: 30_000,
  reopenMaxMs: 5_000,
  healthyMs: 5_000,
  watchSecondsMin: 300,
  watchSecondsMax: 600,
  endGraceMs: 30_000,
  bookmarkTimeoutMs: 180_000,
}
