import { type JSX } from 'preact'
import { Link } from 'wouter-preact'
import { TEXTS } from '../texts.js'

const WORDS = TEXTS.learn

/** Why nothing can begin now. @param lesson the number of the lesson that is open; null: something else runs, and will end */
export function BusyNote({ lesson }: { readonly lesson: number | null }): JSX.Element {
  return (
    <p class="message">
      {lesson === null ? (
        TEXTS.levers.busy
      ) : (
        <>
          {WORDS.open(lesson)} <Link href={`/learn/${lesson}`}>{WORDS.goThere}</Link>
        </>
      )}
    </p>
  )
}
