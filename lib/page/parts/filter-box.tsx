import { type JSX } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'
import { TEXTS } from '../texts.js'

/** A text that rows must contain. */
export function FilterBox({
  value,
  onChange,
}: {
  readonly value: string
  readonly onChange: (value: string) => void
}): JSX.Element {
  const id = useId()
  const input = useRef<HTMLInputElement>(null)
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const isTyping = event.target instanceof HTMLInputElement
      if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey || event.altKey) return
      event.preventDefault()
      input.current?.focus()
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [])
  return (
    <div class="filter">
      <label for={id}>{TEXTS.filter}</label>
      <input
        id={id}
        ref={input}
        type="search"
        value={value}
        autocomplete="off"
        spellcheck={false}
        aria-describedby={`${id}-help`}
        onInput={event => onChange(event.currentTarget.value)}
        onKeyDown={event => {
          if (event.key === 'Escape') onChange('')
        }}
      />
      <span id={`${id}-help`} class="help">
        {TEXTS.filterKey}
      </span>
    </div>
  )
}
