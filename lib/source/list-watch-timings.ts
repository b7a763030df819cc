/** How patient a list and watch is. */
export interface ListWatchTimings {
  /** Shortest and longest wait between attempts that fail, in milliseconds. */
  readonly backoffFirstMs: number
  readonly backoffMaxMs: number
  /** Longest wait before a watch that the server ended too soon is opened again, in milliseconds. */
  readonly reopenMaxMs: number
  /** A watch that lasted this long was a good one, in milliseconds. */
  readonly healthyMs: number
  /** The server is asked to end a watch after a random time between these, in seconds. */
  readonly watchSecondsMin: number
  readonly watchSecondsMax: number
  /** How long after that time we still wait for it to do so, in milliseconds. */
  readonly endGraceMs: number
  /** Longest silence on a watch that gets bookmarks every minute, in milliseconds. */
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
