import { type ComponentChildren, type JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { TEXTS } from '../texts.js'

/** Whether a view was shown before: at the first one, the reader is at the top of the page anyway. */
let isFirst = true

/** A view with its title, and one sentence that says what one sees. A reader who came by a link is at its title. */
export function View({
  title,
  about,
  children,
}: {
  readonly title: string
  readonly about: string
  readonly children: ComponentChildren
}): JSX.Element {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = `${title} – ${TEXTS.program}`
    if (!isFirst) heading.current?.focus()
    isFirst = false
  }, [title])
  return (
    <>
      <h2 ref={heading} tabIndex={-1}>
        {title}
      </h2>
      <p class="about">{about}</p>
      {children}
    </>
  )
}
