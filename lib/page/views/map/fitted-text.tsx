import { type JSX } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'

/** A text of a picture, in the middle of a place. Of a text that is wider than the place, the end is left out, and an ellipsis says so. */
export function FittedText({
  text,
  width,
  ...attributes
}: {
  readonly text: string
  readonly width: number
  readonly class: string
  readonly x: number
  readonly y: number
}): JSX.Element {
  const element = useRef<SVGTextElement>(null)
  // Only the browser knows how wide a text is.
  useLayoutEffect(() => {
    const shown = element.current!
    shown.textContent = text
    for (let length = text.length - 1; length > 0 && shown.getComputedTextLength() > width; length--)
      shown.textContent = `${text.slice(0, length)}…`
  }, [text, width])
  return <text ref={element} {...attributes} />
}
