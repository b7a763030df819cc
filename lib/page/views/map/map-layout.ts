/** A place on the map, in pixels. */
export interface Point {
  readonly x: number
  readonly y: number
}

/** A box on the map: its middle, and its size. */
export interface MapBox extends Point {
  readonly width: number
  readonly height: number
}

/** Where everything is: clients, the Service, who carries, Pods. */
export interface MapLayout {
  readonly width: number
  readonly height: number
  readonly levels: readonly (readonly MapBox[])[]
}

/** Below this width, the levels are below each other. */
const NARROW = 720
const BOX = { width: 190, height: 68 }
/** Narrower boxes would cut most addresses. */
const MIN_WIDTH = 150
const GAP = 16
const LEVEL_GAP = 50

/** How many boxes fit into one level. */
export function boxesInLevel(width: number): number {
  return width < NARROW ? Math.max(2, Math.floor((width + GAP) / (MIN_WIDTH + GAP))) : 8
}

/** Places boxes. @param counts of boxes, by level @param width of the window for the map */
export function mapLayout(counts: readonly number[], width: number): MapLayout {
  if (width < NARROW) {
    const levels = counts.map((count, level) => {
      const each = { width: Math.min(BOX.width, (width - GAP * (count - 1)) / count), height: BOX.height }
      const start = (width - count * each.width - (count - 1) * GAP) / 2
      const y = BOX.height / 2 + level * (BOX.height + LEVEL_GAP)
      return boxes(count, index => ({ ...each, x: start + each.width / 2 + index * (each.width + GAP), y }))
    })
    return { width, height: counts.length * (BOX.height + LEVEL_GAP) - LEVEL_GAP, levels }
  }
  const height = Math.max(...counts) * (BOX.height + GAP) - GAP
  const step = (width - BOX.width) / (counts.length - 1)
  const levels = counts.map((count, level) => {
    const start = (height - count * (BOX.height + GAP) + GAP) / 2 + BOX.height / 2
    return boxes(count, index => ({ ...BOX, x: BOX.width / 2 + level * step, y: start + index * (BOX.height + GAP) }))
  })
  return { width, height, levels }
}

function boxes(count: number, boxAt: (index: number) => MapBox): MapBox[] {
  return Array.from({ length: count }, (_, index) => boxAt(index))
}
