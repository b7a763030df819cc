import { type JSX } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { type Point } from './map-layout.js'

/** What a mark stands for. Each has a shape of its own. */
export const MARK_SHAPES = {
  opened: 'M-5,0a5,5 0 1,0 10,0a5,5 0 1,0 -10,0',
  retried: 'M0,-6L6,5L-6,5Z',
  refused: 'M-5,-5L5,5M5,-5L-5,5',
} as const

/** A mark on its way. */
export interface MovingMark {
  readonly key: string
  readonly kind: keyof typeof MARK_SHAPES
  readonly way: readonly Point[]
  readonly delayMs: number
}

const DURATION_MS = 1600

/** Marks that move along their ways. Each is gone at the end of its way. */
export function MovingMarks({
  marks,
  onEnd,
}: {
  readonly marks: readonly MovingMark[]
  readonly onEnd: (key: string) => void
}): JSX.Element {
  return (
    <g>
      {marks.map(mark => (
        <Moving key={mark.key} mark={mark} onEnd={onEnd} />
      ))}
    </g>
  )
}

function Moving({
  mark: { key, kind, way, delayMs },
  onEnd,
}: {
  readonly mark: MovingMark
  readonly onEnd: (key: string) => void
}): JSX.Element {
  const shape = useRef<SVGPathElement>(null)
  useLayoutEffect(() => {
    // Scripts may set styles where the policy of the page forbids them in markup.
    const frames = way.map(({ x, y }) => ({ transform: `translate(${x}px, ${y}px)` }))
    const animation = shape.current!.animate(frames, { duration: DURATION_MS, delay: delayMs, fill: 'both' })
    animation.addEventListener('finish', () => onEnd(key))
    return () => animation.cancel()
  }, [])
  return <path ref={shape} class={`moving ${kind}`} d={MARK_SHAPES[kind]} />
}
