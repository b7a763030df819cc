import { summarize } from '../report/statistics.js'
import { type PageRun } from './run-page.js'
import { type ViewRecord } from './record-view.js'

/** A target of the page, and what was reached. */
export interface PageVerdict {
  readonly text: string
  readonly isMet: boolean
}

/** What one view has shown in all runs. All in milliseconds. */
export interface ViewFigures {
  readonly title: string
  /** 99 of 100 frames came within this time after the one before. */
  readonly frame99: number
  readonly longestFrame: number
  readonly longestTask: number
  /** NaN: the view takes no text, or the browser reported no key. */
  readonly longestKey: number
}

/** Milliseconds, and bytes. */
const MAX_FIRST_PAINT = 1000
const MAX_MEMORY = 15e6
/** The limit at which browsers call a task long: readers see a later frame. In milliseconds. */
const MAX_FRAME = 50
/** An answer to a key that comes later is felt as slow (web.dev, Interaction to Next Paint). In milliseconds. */
const MAX_KEY = 200
/** The browser does not report keys that were answered sooner. In milliseconds. */
const REPORTED_KEY = 16

/** Judges runs without and with a page. */
export function judgePage(without: readonly PageRun[], watched: readonly PageRun[]): PageVerdict[] {
  const loads = watched.flatMap(run => run.loads)
  const paint = summarize(loads.map(({ firstPaint }) => firstPaint))!
  const row = summarize(loads.map(({ firstRow }) => firstRow))!
  const views = viewFigures(watched)
  const slowest = views.reduce((a, b) => (b.frame99 > a.frame99 ? b : a))
  const keys = views.filter(({ longestKey }) => !Number.isNaN(longestKey)).sort((a, b) => b.longestKey - a.longestKey)
  const { longestKey, title } = keys[0] ?? { longestKey: REPORTED_KEY, title: undefined }
  const where = title === undefined ? 'in each view' : `in the slowest view (${title})`
  const memory = (runs: readonly PageRun[]): number => summarize(runs.map(run => run.memory))!.median
  const added = memory(watched) - memory(without)
  return [
    {
      text: `first paint: median ${ms(paint.median)}, longest ${ms(paint.highest)} of ${paint.count} loads; first Service after ${ms(row.median)}; target at most ${ms(MAX_FIRST_PAINT)}`,
      isMet: paint.median <= MAX_FIRST_PAINT,
    },
    {
      text: `fluid: 99 of 100 frames within ${ms(slowest.frame99)} in the slowest view (${slowest.title}); target at most ${ms(MAX_FRAME)}`,
      isMet: slowest.frame99 <= MAX_FRAME,
    },
    {
      text: `keys: answered within ${ms(longestKey)} ${where}; target at most ${ms(MAX_KEY)}`,
      isMet: longestKey <= MAX_KEY,
    },
    {
      text: `memory of the proxy with the page open: ${mb(added)} more than ${mb(memory(without))}; target at most ${mb(MAX_MEMORY)}`,
      isMet: added <= MAX_MEMORY,
    },
  ]
}

/** The figures of each view. */
export function viewFigures(watched: readonly PageRun[]): ViewFigures[] {
  const titles = [...new Set(watched.flatMap(({ views }) => [...views.keys()]))]
  return titles.map(title => {
    const all = (of: (view: ViewRecord) => readonly number[]): number[] =>
      watched.flatMap(({ views }) => of(views.get(title)!)).sort((a, b) => a - b)
    const frames = all(view => view.frames)
    const keys = all(view => view.keys)
    return {
      title,
      frame99: frames[Math.ceil(frames.length * 0.99) - 1]!,
      longestFrame: frames.at(-1)!,
      longestTask: all(view => view.longTasks).at(-1) ?? 0,
      longestKey: keys.at(-1) ?? NaN,
    }
  })
}

function ms(value: number): string {
  return `${value.toFixed(0)} ms`
}

function mb(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
