import { type JSX } from 'preact'
import { TEXTS } from '../texts.js'

const format = new Intl.DateTimeFormat(TEXTS.locale, { timeStyle: 'medium', hour12: false })

/** A time of day, as a text. */
export function timeText(at: string | Date): string {
  return format.format(new Date(at))
}

/** A time of day. The day is in its title. */
export function Time({ at }: { readonly at: string | Date }): JSX.Element {
  const iso = new Date(at).toISOString()
  return (
    <time dateTime={iso} title={iso}>
      {timeText(at)}
    </time>
  )
}
