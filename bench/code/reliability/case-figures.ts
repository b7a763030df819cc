import { type CaseRecord } from './case-site.js'
import { type RequestRecord } from './load/load-report.js'

/** The width of a step of the timeline, in milliseconds. */
export const STEP_MS = 100
/** The clock of a timer may run ahead of the clock of the clients by this much, in milliseconds. */
const TIMER_TOLERANCE_MS = 50
/** At the end, a case has recovered if nothing was lost for this long, in milliseconds. */
const CALM_MS = 1000

/** Where the rules led new clients for a while; times in milliseconds after the event. */
export interface Lead {
  readonly to: string
  readonly fromMs: number
  readonly untilMs: number
}

/** What happened in each step of a case. */
export interface Timeline {
  /** The first step, in milliseconds after the event. */
  readonly fromMs: number
  /** By the time at which they were started. */
  readonly answered: readonly number[]
  readonly lost: readonly number[]
  /** Open connections at the end of each step. */
  readonly open: readonly number[]
}

/** The figures of one case of one setup. */
export interface CaseFigures {
  readonly sent: number
  readonly refused: number
  /** Not answered for another reason than a refusal, by the reason. */
  readonly failed: Readonly<Record<string, number>>
  /** The longest time until an answer. */
  readonly slowestMs: number
  /** After the event, from the first request that was not answered until the first one after which all were; 0 if all were. */
  readonly outageMs: number
  /** Whether nothing was lost at the end. */
  readonly hasRecovered: boolean
  readonly open: number
  /** Open connections that were cut before the drain timeout. */
  readonly cutEarly: number
  readonly cut: number
  readonly leads: readonly Lead[]
  readonly timeline: Timeline
}

/** Computes the figures of a case. @param drainMs the drain timeout */
export function computeCaseFigures(record: CaseRecord, drainMs: number): CaseFigures {
  const { load, eventAt, drainFrom, endedAt } = record
  const requests = load.requests.toSorted((a, b) => a.startedAt - b.startedAt)
  const lost = requests.filter(isLost)
  const failed: Record<string, number> = {}
  for (const { outcome } of lost) if (outcome !== 'ECONNREFUSED') failed[outcome] = (failed[outcome] ?? 0) + 1
  const drainEnd = drainFrom === undefined ? Infinity : drainFrom + drainMs - TIMER_TOLERANCE_MS
  return {
    sent: requests.length,
    refused: lost.filter(({ outcome }) => outcome === 'ECONNREFUSED').length,
    failed,
    slowestMs: Math.max(
      0,
      ...requests.filter(each => !isLost(each)).map(({ startedAt, endedAt }) => endedAt - startedAt),
    ),
    outageMs: computeOutage(requests.filter(({ startedAt }) => startedAt >= eventAt)),
    hasRecovered:
      requests.length > 0 && !lost.some(({ startedAt }) => startedAt > requests.at(-1)!.startedAt - CALM_MS),
    open: load.open,
    cutEarly: load.cuts.filter(({ at }) => at < drainEnd).length,
    cut: load.cuts.length,
    leads: computeLeads(record.states, requests[0]?.startedAt ?? eventAt, endedAt, eventAt),
    timeline: computeTimeline(record, requests),
  }
}

function isLost({ outcome }: RequestRecord): boolean {
  return outcome !== 'answered'
}

/** @param requests sorted by their start */
function computeOutage(requests: readonly RequestRecord[]): number {
  const first = requests.find(isLost)
  if (first === undefined) return 0
  const next = requests[requests.findLastIndex(isLost) + 1] ?? requests.at(-1)!
  return next.startedAt - first.startedAt
}

function computeLeads(states: CaseRecord['states'], from: number, until: number, eventAt: number): Lead[] {
  return states.flatMap(({ at, to }, n) => {
    const [start, end] = [Math.max(at, from), states[n + 1]?.at ?? until]
    return end <= from ? [] : [{ to, fromMs: Math.round(start - eventAt), untilMs: Math.round(end - eventAt) }]
  })
}

function computeTimeline({ load, eventAt }: CaseRecord, requests: readonly RequestRecord[]): Timeline {
  const from = requests[0]?.startedAt ?? eventAt
  const steps = Math.ceil(((requests.at(-1)?.startedAt ?? from) - from) / STEP_MS)
  const answered = Array<number>(steps).fill(0)
  const lost = Array<number>(steps).fill(0)
  for (const request of requests) {
    const step = Math.floor((request.startedAt - from) / STEP_MS)
    const counts = isLost(request) ? lost : answered
    if (step < steps) counts[step]! += 1
  }
  const open = Array.from({ length: steps }, (_, step) => {
    const end = from + (step + 1) * STEP_MS
    return load.open - load.cuts.filter(({ at }) => at < end).length
  })
  return { fromMs: Math.round(from - eventAt), answered, lost, open }
}
