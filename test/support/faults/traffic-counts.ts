/** What happened to one kind of steady traffic. */
export interface TrafficCounts {
  readonly attempted: number
  /** How many were lost, by what happened to them. */
  readonly lost: Readonly<Record<string, number>>
  /** When the last lost one was sent, as `monotonicMs` counts; undefined if none was lost. */
  readonly lastLostAt: number | undefined
  /** How long each answer took, in milliseconds, in no order. */
  readonly answersMs: readonly number[]
}

/** The kinds of steady traffic, and what they are called in a report. */
export const TRAFFIC_KINDS = {
  newConnections: 'new connections',
  openConnections: 'open connections',
  udpRequests: 'UDP requests',
} as const

/** A kind of steady traffic. */
export type TrafficKind = keyof typeof TRAFFIC_KINDS

/** What happened to all steady traffic. */
export type TrafficReport = Readonly<Record<TrafficKind, TrafficCounts>>

/** Milliseconds of a clock that all processes of this machine share and that is never set. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** Counts attempts and losses while they happen. */
export class TrafficCounter implements TrafficCounts {
  attempted = 0
  readonly lost: Record<string, number> = {}
  lastLostAt: number | undefined
  readonly answersMs: number[] = []

  /** Counts an attempt. @returns a function to call once, with the reason if it was lost */
  attempt(): (lossReason?: string) => void {
    const startedAt = monotonicMs()
    this.attempted++
    return reason => {
      if (reason === undefined) this.addAnswer(monotonicMs() - startedAt)
      else this.addLoss(reason, startedAt)
    }
  }

  addAnswer(ms: number): void {
    this.answersMs.push(Math.round(10 * ms) / 10)
  }

  addLoss(reason: string, sentAt: number): void {
    this.lost[reason] = (this.lost[reason] ?? 0) + 1
    this.lastLostAt = Math.max(this.lastLostAt ?? 0, sentAt)
  }
}

/** The sum of the counts of several clients. */
export function addCounts(all: readonly TrafficCounts[]): TrafficCounts {
  const lost: Record<string, number> = {}
  for (const counts of all)
    for (const [reason, count] of Object.entries(counts.lost)) lost[reason] = (lost[reason] ?? 0) + count
  const lossTimes = all.flatMap(({ lastLostAt }) => (lastLostAt === undefined ? [] : [lastLostAt]))
  return {
    attempted: all.reduce((sum, { attempted }) => sum + attempted, 0),
    lost,
    lastLostAt: lossTimes.length === 0 ? undefined : Math.max(...lossTimes),
    answersMs: all.flatMap(({ answersMs }) => answersMs),
  }
}

/** How many were lost, whatever happened to them. */
export function countLost({ lost }: TrafficCounts): number {
  return Object.values(lost).reduce((sum, count) => sum + count, 0)
}

/** The longest time that an answer took, in milliseconds; 0 without answers. */
export function slowestOf({ answersMs }: TrafficCounts): number {
  return answersMs.reduce((slowest, ms) => Math.max(slowest, ms), 0)
}

/** The median of the times that answers took, in milliseconds; NaN without answers. */
export function medianOf({ answersMs }: TrafficCounts): number {
  return answersMs.toSorted((a, b) => a - b)[answersMs.length >> 1] ?? NaN
}
