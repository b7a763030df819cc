import { summarize } from '../../report/statistics.js'

/** A value at a time, in seconds. */
export interface Point {
  readonly at: number
  readonly value: number
}

/** How a value changed after the warm-up. */
export interface Growth {
  /** The lowest value in the first third of the time. */
  readonly early: number
  /** The lowest value in the last third. */
  readonly late: number
  /** How much the low values rise per hour. */
  readonly perHour: number
  readonly grows: boolean
}

/** Number of windows after the warm-up: one per minute in a soak of 30 minutes. */
export const WINDOWS = 25
/** A short soak has fewer windows, so that each has enough points, but at least this number. */
const MIN_WINDOWS = 6
const MIN_POINTS_PER_WINDOW = 2

/**
 * Whether a value grows, judged by the lowest value of each window. Memory rises until the next garbage collection,
 * much more than by a leak, and falls again; only leaked memory stays. So it grows if both are true:
 *
 * - the floors of the windows rise (Theil–Sen: the median of the slopes between any two of them, which no single window can
 *   move) by more than `allowed` over the whole time;
 * - in the last third it never falls back to its low value of the first third plus half of `allowed`.
 *
 * The first condition alone could mistake one long pause between collections for a trend, the second alone a
 * single step, such as a buffer that is allocated once.
 *
 * @param from time in seconds; earlier points belong to the warm-up
 * @returns undefined if there are too few points
 */
export function computeGrowth(points: readonly Point[], from: number, allowed: number): Growth | undefined {
  const end = points.at(-1)?.at ?? 0
  const judged = points.filter(({ at }) => at >= from).length
  const windows = Math.min(WINDOWS, Math.floor(judged / MIN_POINTS_PER_WINDOW))
  if (windows < MIN_WINDOWS) return undefined
  const length = (end - from) / windows
  const floors = Array.from({ length: windows }, (_, n) => {
    const window = points.filter(({ at }) => at >= from + n * length && at <= from + (n + 1) * length)
    return lowest(window)
  })
  if (!floors.every(isPoint)) return undefined
  const third = Math.floor(windows / 3)
  const early = lowest(floors.slice(0, third))!.value
  const late = lowest(floors.slice(-third))!.value
  const perSecond = theilSen(floors)
  const grows = perSecond * (end - from) > allowed && late - early > allowed / 2
  return { early, late, perHour: perSecond * 3600, grows }
}

function isPoint(point: Point | undefined): point is Point {
  return point !== undefined
}

function lowest(points: readonly Point[]): Point | undefined {
  return points.reduce<Point | undefined>(
    (low, point) => (low !== undefined && low.value <= point.value ? low : point),
    undefined,
  )
}

function theilSen(points: readonly Point[]): number {
  const slopes = points.flatMap((a, n) =>
    points.slice(n + 1).flatMap(b => (b.at === a.at ? [] : [(b.value - a.value) / (b.at - a.at)])),
  )
  return summarize(slopes)?.median ?? 0
}
