import { type JSX } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { type LeverView } from '../../demo-page/demo-document.js'
import { type Run } from '../live/use-run.js'
import { TEXTS } from '../texts.js'
import { LeverResult, type Prediction } from './lever-result.js'

const WORDS = TEXTS.levers
const PREDICTIONS = Object.entries(WORDS.predictions) as [Prediction, string][]

/** One lever: its command, what the user expects, and what has happened. A new lever needs a new one of these. */
export function LeverPanel({
  lever: { id, kind, value, command },
  run,
  onRun,
  onCancel,
}: {
  readonly lever: LeverView
  /** Undefined: it has not begun. */
  readonly run: Run | undefined
  readonly onRun: (id: string) => void
  readonly onCancel: () => void
}): JSX.Element {
  const heading = useRef<HTMLHeadingElement>(null)
  const [predicted, setPredicted] = useState<Prediction>()
  const last = run?.lines.at(-1)
  // Before the panel can be used: otherwise the focus would leave a choice that was made at once.
  useLayoutEffect(() => {
    heading.current?.focus()
  }, [])
  return (
    <section class="panel">
      <h3 ref={heading} tabIndex={-1}>
        {WORDS.leverOf(kind, WORDS.valueOf(kind, value))}
      </h3>
      <p>{WORDS.same}</p>
      <pre>
        <code>{command}</code>
      </pre>
      <fieldset disabled={run !== undefined}>
        <legend>{WORDS.predict}</legend>
        {PREDICTIONS.map(([name, text]) => (
          <label key={name}>
            <input
              type="radio"
              name="prediction"
              value={name}
              checked={predicted === name}
              onChange={() => setPredicted(name)}
            />
            {text}
          </label>
        ))}
      </fieldset>
      {run === undefined && (
        <p class="buttons">
          <button type="button" disabled={predicted === undefined} onClick={() => onRun(id)}>
            {WORDS.run}
          </button>
          <button type="button" onClick={onCancel}>
            {WORDS.cancel}
          </button>
        </p>
      )}
      <div role="status">
        {run?.isOver === false && <p>{WORDS.running}</p>}
        {last?.kind === 'failed' && <p class="message">{WORDS.failed(last.message)}</p>}
        {last?.kind === 'effect' && predicted !== undefined && (
          <>
            <h4>{WORDS.result}</h4>
            <LeverResult effect={last.effect} predicted={predicted} />
          </>
        )}
      </div>
    </section>
  )
}
