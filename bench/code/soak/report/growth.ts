import { summarize } from '../../report/statistics.js'

/** A value at a time, in seconds. */
export interface Point {
  readonly at: number
  readonly value: number
}

/** What a value did after the warm-up. */
export interface Growth {
  /** What it fell back to in the first third of the time, at its lowest. */
  readonly early: number
  /** The same in the last third. */
  readonly late: number
  /** How fast what it falls back to rises, in an hour. */
  readonly perHour: number
  readonly grows: boolean
}

/** How many windows the time after the warm-up is cut into: of a minute each, in a soak of 30 minutes. */
export const WINDOWS = 25
/** Of a short soak there may be fewer, so that each has some points, but not fewer than this. */
const MIN_WINDOWS = 6
const MIN_POINTS_PER_WINDOW = 2

/**
 * Whether a value grows, by what it falls back to: the lowest value of each window. Memory rises from one garbage collection to
 * the next, by far more than a leak does meanwhile, and falls again; only what is leaked stays. So it grows if both are true:
 *
 * - the floors of the windows rise (Theil–Sen: the median of the slopes between any two of them, which no single window can
 *   move) by more than `allowed` over the whole time;
 * - in the last third it does not once come down to where it was in the first third, but for half of `allowed`.
 *
 * The first alone might take the beginning and the end of one long wait for a collection for a trend, the second alone a
 * single step, as of a buffer that is made once and kept.
 *
 * @param from seconds: earlier points are of the warm-up
 * @returns undefined when there are too few points to say
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
