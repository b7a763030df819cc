/** What happened to one kind of steady traffic. */
export interface TrafficCounts {
  readonly attempted: number
  /** How many were lost, by what happened to them. */
  readonly lost: Readonly<Record<string, number>>
  /** When the last lost one was sent, as `monotonicMs` counts; undefined if none was lost. */
  readonly lastLostAt: number | undefined
  /** The longest time that an answer took, in milliseconds. */
  readonly slowestMs: number
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
  slowestMs = 0

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
    this.slowestMs = Math.max(this.slowestMs, ms)
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
    slowestMs: Math.max(0, ...all.map(({ slowestMs }) => slowestMs)),
  }
}

/** How many were lost, whatever happened to them. */
export function countLost({ lost }: TrafficCounts): number {
  return Object.values(lost).reduce((sum, count) => sum + count, 0)
}
