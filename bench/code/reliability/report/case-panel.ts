import { escapeXml } from '../../report/svg-document.js'
import { type CaseFigures, type Lead, STEP_MS } from '../case-figures.js'
import { LOAD_OF_NODE } from '../load/load-size.js'
import { formatDuration } from './case-row.js'

export const PANEL_WIDTH = 430
const TOP = 40
const HEIGHT = 90
const STRIP = 18
const STRIP_GAP = 4
const AXIS = 22
export const PANEL_HEIGHT = TOP + HEIGHT + STRIP_GAP + STRIP + AXIS
/** The top of the scale, in requests per step: a stalled client sends more at once. */
const FULL = (LOAD_OF_NODE.requestsPerSecond / 1000) * STEP_MS * 2
/** Requests that were sent in one step and others that belong to it only by rounding are drawn alike, so bars need no gap. */
const BAR_OVERLAP = 0.1
/** Width of a letter of the strip. */
const LETTER = 5.6

/**
 * Draws a case over time: bars of the requests, answered and lost, a line of the open connections, and below them where the rules
 * led. @param untilMs the end of the axis, in milliseconds after the event
 */
export function renderCasePanel(title: string, figures: CaseFigures, fromMs: number, untilMs: number): string {
  const { timeline, leads, open, refused, failed, cutEarly } = figures
  const x = (ms: number): number =>
    ((Math.min(untilMs, Math.max(fromMs, ms)) - fromMs) / (untilMs - fromMs)) * PANEL_WIDTH
  const width = (STEP_MS / (untilMs - fromMs)) * PANEL_WIDTH + BAR_OVERLAP
  const bars = (counts: readonly number[], below: readonly number[] | undefined, look: string): string =>
    counts
      .flatMap((count, step) => {
        const at = timeline.fromMs + step * STEP_MS
        if (count === 0 || at >= untilMs) return []
        const high = (Math.min(FULL, count) / FULL) * HEIGHT
        const low = (Math.min(FULL, below?.[step] ?? 0) / FULL) * HEIGHT
        return `<rect class="${look}" x="${x(at).toFixed(1)}" y="${(TOP + HEIGHT - low - high).toFixed(1)}" width="${width.toFixed(2)}" height="${high.toFixed(1)}"/>`
      })
      .join('')
  const line = timeline.open.flatMap((count, step) => {
    const at = timeline.fromMs + (step + 1) * STEP_MS
    return at > untilMs
      ? []
      : `${x(at).toFixed(1)} ${(TOP + HEIGHT - (count / Math.max(1, open)) * HEIGHT * 0.9).toFixed(1)}`
  })
  const lost = refused + Object.values(failed).reduce((sum, count) => sum + count, 0)
  const seconds = Array.from({ length: Math.floor(untilMs / 5000) + 1 }, (_, n) => n * 5)
  return [
    `<text class="title" x="0" y="12">${escapeXml(title)}</text>`,
    `<text class="what" x="0" y="29">${lost} of ${figures.sent} requests lost${open === 0 ? '' : `, ${cutEarly} of ${open} connections cut early`}</text>`,
    bars(timeline.answered, undefined, 'answered'),
    bars(timeline.lost, timeline.answered, 'lost'),
    open === 0 ? '' : `<path class="open" d="M${line.join('L')}"/>`,
    `<path class="event" d="M${x(0).toFixed(1)} ${TOP - 4}V${TOP + HEIGHT}"/>`,
    ...leads.map(lead => renderLead(lead, x)),
    ...seconds.map(
      second =>
        `<text class="what" text-anchor="middle" x="${x(second * 1000).toFixed(1)}" y="${PANEL_HEIGHT - 6}">${second === 0 ? '0' : formatDuration(second * 1000).replace('.0', '')}</text>`,
    ),
  ].join('')
}

/** Where the rules led for a while, with its name if there is space for it. */
function renderLead({ to, fromMs, untilMs }: Lead, x: (ms: number) => number): string {
  const [left, right] = [x(fromMs), x(untilMs)]
  if (right <= left) return ''
  const look = to === 'kernel' ? 'kernel' : to.startsWith('new') ? 'new' : to.startsWith('old') ? 'old' : 'dead'
  const text = to.replace(', its workers alone', "'s workers").replace(', waiting for a worker', ' waits')
  const y = TOP + HEIGHT + STRIP_GAP
  const label =
    text.length * LETTER < right - left
      ? `<text class="strip" text-anchor="middle" x="${((left + right) / 2).toFixed(1)}" y="${y + 13}">${escapeXml(text)}</text>`
      : ''
  return `<rect class="${look}" x="${left.toFixed(1)}" y="${y}" width="${(right - left).toFixed(1)}" height="${STRIP}"/>${label}`
}
