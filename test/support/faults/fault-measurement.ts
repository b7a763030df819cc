import { type Test } from 'tap'
import { type SteadyTraffic } from './steady-traffic.js'
import {
  TRAFFIC_KINDS,
  type TrafficCounts,
  type TrafficKind,
  type TrafficReport,
  addCounts,
  countLost,
  medianOf,
  monotonicMs,
  slowestOf,
} from './traffic-counts.js'

/** How much of a kind of traffic may be lost: so many, or any that was sent before the recovery that was measured last. */
export type AllowedLoss = number | 'before recovery'
/** How much of each kind of traffic may be lost. */
export type AllowedLosses = Readonly<Partial<Record<TrafficKind, AllowedLoss>>>

/** How much of one kind of traffic was lost. */
interface Loss {
  readonly kind: string
  lost: number
  attempted: number
}

/** A time of the recovery, and what stands in the table before and after it. */
interface Recovery {
  readonly before: string
  ms: number
  readonly after: string
}

/** Measures one fault. It asserts what was lost; times it only reports. */
export class FaultMeasurement {
  readonly #t: Test
  readonly #losses: Loss[] = []
  readonly #recoveries: Recovery[] = []
  #comparison: string | undefined
  #figures: string | undefined
  #startedAt: number | undefined
  #endedAt: number | undefined
  #recoveredAt = 0

  constructor(t: Test) {
    this.#t = t
  }

  /** Reports the size of the fault, if that is measured too. */
  describe(figures: string): void {
    this.#figures = figures
  }

  /** The fault begins now. */
  start(): void {
    this.#startedAt = monotonicMs()
  }

  /** The cause of the fault ends now. Recovery counts from here. A fault without an end, such as a kill, counts from its start. */
  end(): void {
    this.#endedAt = monotonicMs()
  }

  /**
   * Waits until the proxy has recovered, and reports how long that took.
   * @param what completes "until …"
   * @param recovered resolves then; the caller bounds the wait
   */
  async measureRecovery<T>(what: string, recovered: () => Promise<T>): Promise<T> {
    const result = await recovered()
    this.#recoveredAt = monotonicMs()
    this.#addRecovery('', this.#recoveredAt - this.#mark, ` until ${what}`)
    return result
  }

  /**
   * Ends the traffic. The test fails if more was lost than the promise allows, or if none of a kind was sent.
   * @param allowed what may be lost; of other kinds nothing
   */
  async checkTraffic(traffic: readonly SteadyTraffic[], allowed: AllowedLosses = {}): Promise<TrafficReport> {
    const reports = await Promise.all(traffic.map(client => client.stop()))
    const sum = (kind: TrafficKind) => addCounts(reports.map(report => report[kind]))
    const total: TrafficReport = {
      newConnections: sum('newConnections'),
      openConnections: sum('openConnections'),
      udpRequests: sum('udpRequests'),
    }
    const used = (Object.keys(TRAFFIC_KINDS) as TrafficKind[]).filter(kind =>
      traffic.some(({ kinds }) => kinds.includes(kind)),
    )
    this.#t.ok(used.length > 0, 'there was traffic')
    for (const kind of used) {
      const { attempted, lost, lastLostAt = 0 } = total[kind]
      const all = countLost(total[kind])
      const early = lastLostAt < this.#recoveredAt ? all : 0
      this.checkLoss(all, attempted, TRAFFIC_KINDS[kind], mostOf(allowed[kind], early), lost)
    }
    this.#reportInterruption(used.map(kind => total[kind]))
    return total
  }

  /** Reports a loss that a test has counted itself. The test fails if it is more than allowed. */
  checkLoss(lost: number, attempted: number, kind: string, allowed = 0, reasons: object = {}): void {
    this.#t.ok(attempted > 0, `${kind} were attempted`)
    this.#t.ok(lost <= allowed, `${lost} of ${attempted} ${kind} were lost, ${allowed} may be`, { reasons })
    this.#losses.push({ kind, lost, attempted })
  }

  /** Reports several forms of one fault together: the sum of what was lost, and the longest times. */
  combine(forms: readonly FaultMeasurement[]): void {
    for (const loss of forms.flatMap(form => form.#losses)) {
      const sum = this.#losses.find(({ kind }) => kind === loss.kind)
      if (sum === undefined) this.#losses.push({ ...loss })
      else {
        sum.lost += loss.lost
        sum.attempted += loss.attempted
      }
    }
    for (const { before, ms, after } of forms.flatMap(form => form.#recoveries)) {
      const longest = this.#recoveries.find(known => known.before === before && known.after === after)
      if (longest === undefined) this.#addRecovery(before, ms, after)
      else longest.ms = Math.max(longest.ms, ms)
    }
  }

  /** Reports the median time of an answer during the fault and without it. */
  compareAnswers(during: TrafficCounts, without: TrafficCounts): void {
    const [slower, usual] = [during, without].map(counts => `${medianOf(counts).toFixed(1)} ms`)
    this.#comparison = `median answer ${slower}, without the fault ${usual}`
  }

  /** What was lost, for the table; undefined if the test has not said it. */
  get lost(): string | undefined {
    if (this.#losses.length === 0) return undefined
    const losses = this.#losses.map(
      ({ kind, lost, attempted }) => `${formatCount(lost)} of ${formatCount(attempted)} ${kind}`,
    )
    return `${this.#figures === undefined ? '' : `${this.#figures}: `}${losses.join(', ')}`
  }

  /** The time to recover, for the table. */
  get recovery(): string {
    const times = this.#recoveries.map(({ before, ms, after }) => `${before}${formatSeconds(ms)}${after}`)
    const all = this.#comparison === undefined ? times : [...times, this.#comparison]
    return all.length === 0 ? 'no interruption' : all.join('; ')
  }

  #addRecovery(before: string, ms: number, after: string): void {
    this.#recoveries.push({ before, ms, after })
  }

  get #mark(): number {
    const mark = this.#endedAt ?? this.#startedAt
    if (mark === undefined) throw new Error('The fault has not started: call start() first')
    return mark
  }

  #reportInterruption(counts: readonly TrafficReport[TrafficKind][]): void {
    const all = addCounts(counts)
    const { lastLostAt } = all
    const slowestMs = slowestOf(all)
    if (lastLostAt !== undefined) this.#addRecovery('', Math.max(0, lastLostAt - this.#mark), ' until the last loss')
    if (slowestMs >= NOTICEABLE_MS) this.#addRecovery('slowest answer ', slowestMs, '')
  }
}

/** @param early how many were lost before the recovery, or 0 if some were lost after it */
function mostOf(allowed: AllowedLoss = 0, early: number): number {
  return allowed === 'before recovery' ? early : allowed
}

/** Clients notice a longer wait, and the table names it. */
const NOTICEABLE_MS = 500

function formatSeconds(ms: number): string {
  return ms < 9950 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`
}

/** A number with commas. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US')
}
