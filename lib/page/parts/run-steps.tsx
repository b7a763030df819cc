import { type JSX } from 'preact'
import { pageLanguage } from '../language.js'
import { type Run } from '../live/start-run.js'
import { TEXTS } from '../texts.js'

const WORDS = TEXTS.ask
const LANGUAGE = pageLanguage()

/** What has run so far: each command with the place where it ran, what it printed, and what that means. */
export function RunSteps({
  lines,
  label = WORDS.steps,
}: Pick<Run, 'lines'> & { readonly label?: string }): JSX.Element {
  return (
    <ol class="experiment" aria-label={label}>
      {lines.map((line, index) =>
        line.kind === 'step' ? (
          <li key={index}>
            {line.meaning !== null && <p>{line.meaning[LANGUAGE]}</p>}
            <p class="help">{WORDS.place(line.where)}</p>
            <pre tabIndex={0}>
              <code>{`$ ${line.command}${line.output === '' ? '' : `\n${line.output}`}`}</code>
            </pre>
          </li>
        ) : null,
      )}
    </ol>
  )
}
