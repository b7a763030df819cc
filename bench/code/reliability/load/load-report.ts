/** One new connection with one request. Times are milliseconds of the shared clock. */
export interface RequestRecord {
  readonly startedAt: number
  readonly endedAt: number
  /** `answered`, an error code, or what happened instead. */
  readonly outcome: string
}

/** The end of an open connection that its client did not want. */
export interface CutConnection {
  readonly at: number
  readonly reason: string
}

/** What happened to the clients of one case. */
export interface LoadReport {
  readonly requests: readonly RequestRecord[]
  /** Open connections at the start. */
  readonly open: number
  readonly cuts: readonly CutConnection[]
}
