import { formatNumber } from '../../report/format-number.js'
import { escapeXml } from '../../report/svg-document.js'
import { type Point } from './growth.js'
import { computeTicks } from './ticks.js'

export interface PlotLine {
  readonly title: string
  /** The CSS class of its style. */
  readonly styleClass: string
  /** Times in seconds. */
  readonly points: readonly Point[]
}

export interface Plot {
  readonly title: string
  /** The label of the value axis. */
  readonly unit: string
  readonly lines: readonly PlotLine[]
  /** The planned length of the soak, and of the axis. */
  readonly seconds: number
  /** The end of the warm-up. */
  readonly warmUpSeconds: number
}

export const PLOT_WIDTH = 860
const LEFT = 64
const TOP = 56
const HEIGHT = 220
const BOTTOM = 44
export const PLOT_HEIGHT = TOP + HEIGHT + BOTTOM
/** A long soak is drawn in steps of some seconds: a screen shows no more. Each step shows its highest and lowest value. */
const MAX_STEPS = 360
const LEGEND_WIDTH = 265

/** Draws lines over time in minutes, with values from 0; the warm-up is shaded. */
export function renderPlot({ title, unit, lines, seconds, warmUpSeconds }: Plot): string {
  const ticks = computeTicks(Math.max(...lines.flatMap(({ points }) => points.map(({ value }) => value))))
  const x = (at: number): string => (LEFT + (at / seconds) * (PLOT_WIDTH - LEFT)).toFixed(1)
  const y = (value: number): string => (TOP + HEIGHT - (value / ticks.at(-1)!) * HEIGHT).toFixed(1)
  const minutes = computeTicks(seconds / 60).filter(minute => minute * 60 <= seconds)
  return [
    `<text class="title" x="0" y="12">${escapeXml(title)}</text>`,
    ...lines.map(({ title: name, styleClass }, n) => {
      const left = LEFT + n * LEGEND_WIDTH
      return `<path class="line ${styleClass}" d="M${left} 32h18"/><text class="what" x="${left + 24}" y="36">${escapeXml(name)}</text>`
    }),
    `<rect class="warm-up" x="${x(0)}" y="${TOP}" width="${(Number(x(warmUpSeconds)) - LEFT).toFixed(1)}" height="${HEIGHT}"/>`,
    `<text class="what" x="${LEFT + 6}" y="${TOP + HEIGHT - 8}">warm-up</text>`,
    ...ticks.map(
      value =>
        `<path class="grid" d="M${LEFT} ${y(value)}H${PLOT_WIDTH}"/>` +
        `<text class="what" text-anchor="end" x="${LEFT - 8}" y="${(Number(y(value)) + 4).toFixed(1)}">${formatNumber(value, decimals(ticks))}</text>`,
    ),
    ...minutes.map(
      minute =>
        `<path class="grid" d="M${x(minute * 60)} ${TOP + HEIGHT}v5"/>` +
        `<text class="what" text-anchor="middle" x="${x(minute * 60)}" y="${TOP + HEIGHT + 19}">${formatNumber(minute, decimals(minutes))}</text>`,
    ),
    `<text class="what" text-anchor="middle" x="${LEFT + (PLOT_WIDTH - LEFT) / 2}" y="${TOP + HEIGHT + 36}">minutes</text>`,
    `<text class="what" text-anchor="middle" transform="translate(12 ${TOP + HEIGHT / 2}) rotate(-90)">${escapeXml(unit)}</text>`,
    ...lines.map(({ styleClass, points }) => `<path class="line ${styleClass}" d="${buildPath(points, x, y)}"/>`),
  ].join('\n')
}

function decimals(ticks: readonly number[]): number {
  return ticks.every(Number.isInteger) ? 0 : 1
}

/** A path through the lowest and the highest value of each step, in their order in time. */
function buildPath(points: readonly Point[], x: (at: number) => string, y: (value: number) => string): string {
  const size = Math.max(1, Math.ceil(points.length / MAX_STEPS))
  const drawn: Point[] = []
  for (let first = 0; first < points.length; first += size) {
    const step = points.slice(first, first + size)
    const sorted = [...step].sort((a, b) => a.value - b.value)
    drawn.push(...new Set([sorted[0]!, sorted.at(-1)!].sort((a, b) => a.at - b.at)))
  }
  return drawn.map(({ at, value }, n) => `${n === 0 ? 'M' : 'L'}${x(at)} ${y(value)}`).join('')
}
