import { type JSX } from 'preact'

/** How a state is to be taken. */
export type MarkKind = 'good' | 'bad' | 'warning' | 'idle'

/** Each kind has a shape of its own: colours alone say nothing to some readers. */
const SHAPES: ReadonlyMap<MarkKind, string> = new Map<MarkKind, string>([
  ['good', '●'],
  ['bad', '✕'],
  ['warning', '▲'],
  ['idle', '○'],
])

/** A state: a shape with its colour, and a word. */
export function Mark({ kind, children }: { readonly kind: MarkKind; readonly children: string }): JSX.Element {
  return (
    <span class={`mark ${kind}`}>
      <span class="shape" aria-hidden="true">
        {SHAPES.get(kind)}
      </span>
      {children}
    </span>
  )
}
