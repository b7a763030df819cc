import { type JSX } from 'preact'
import { TEXTS } from '../texts.js'

const WORDS = TEXTS.signIn
/** Process arguments are readable for all users: curl reads the header from standard input. */
const COMMAND = `(printf 'Authorization: Bearer '; cat TOKEN-FILE) | curl -H @- ${location.origin}/link`

/** How to sign in. */
export function SignIn(): JSX.Element {
  return (
    <>
      <h2 tabIndex={-1}>{WORDS.title}</h2>
      <p>{WORDS.demo}</p>
      <p>{WORDS.how}</p>
      <pre>
        <code>{COMMAND}</code>
      </pre>
    </>
  )
}
