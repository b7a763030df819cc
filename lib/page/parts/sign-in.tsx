import { type JSX } from 'preact'
import { TEXTS } from '../texts.js'

const WORDS = TEXTS.signIn

/** How to give the page its token. */
export function SignIn(): JSX.Element {
  return (
    <>
      <h2 tabIndex={-1}>{WORDS.title}</h2>
      <p>{WORDS.how}</p>
      <pre>
        <code>{WORDS.command(location.origin)}</code>
      </pre>
    </>
  )
}
