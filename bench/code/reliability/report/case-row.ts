import { formatNumber } from '../../report/format-number.js'
import { type CaseFigures, type Lead } from '../case-figures.js'

/** Shorter states may lie between two looks at the rules; they are noise of the measurement. */
const LOOK_MS = 100

/** The headings of `formatCaseRow`. */
export const CASE_HEADINGS: readonly string[] = [
  'requests',
  'refused',
  'failed',
  'slowest',
  'open connections cut before the drain timeout',
  'cut at all',
  'nothing served for',
  'the rules led to',
]

/** The figures of one case with one setup, as cells of a table. */
export function formatCaseRow(figures: CaseFigures): string[] {
  const { sent, refused, failed, slowestMs, open, cutEarly, cut, outageMs, leads } = figures
  const failures = Object.entries(failed).map(([reason, count]) => `${count} × ${reason}`)
  return [
    formatNumber(sent, 0),
    formatNumber(refused, 0),
    failures.length === 0 ? '0' : failures.join(', '),
    formatDuration(slowestMs),
    open === 0 ? '–' : `${cutEarly} of ${open}`,
    open === 0 ? '–' : String(cut),
    outageMs === 0 ? '–' : formatDuration(outageMs),
    leads.map((lead, n) => formatLead(lead, n === leads.length - 1)).join(' → '),
  ]
}

/** Milliseconds below a second, otherwise seconds. */
export function formatDuration(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}

function formatLead({ to, fromMs, untilMs }: Lead, isLast: boolean): string {
  if (isLast) return to
  // Before the event nothing is of interest.
  const ms = untilMs - Math.max(0, fromMs)
  return ms < LOOK_MS ? to : `${to} (${formatDuration(ms)})`
}
