import { type JSX } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { type LeverView } from '../../demo-page/demo-document.js'
import { type Run } from '../live/start-run.js'
import { TEXTS } from '../texts.js'
import { LeverResult, type Prediction } from './lever-result.js'
import { RunState } from './run-state.js'

const WORDS = TEXTS.levers
const PREDICTIONS = Object.entries(WORDS.predictions) as [Prediction, string][]

/** One lever: its command, what the user expects, and what has happened. A lever that is chosen needs a new one of these. */
export function LeverPanel({
  lever: { id, kind, value, command },
  predicted,
  onPredict,
  run,
  isBusy,
  lesson,
  onRun,
  onCancel,
}: {
  readonly lever: LeverView
  /** Undefined: the user has not said what to expect. */
  readonly predicted: Prediction | undefined
  readonly onPredict: (prediction: Prediction) => void
  /** Undefined: it has not begun. */
  readonly run: Run | undefined
  readonly isBusy: boolean
  /** The number of the lesson that is open; null: none. */
  readonly lesson: number | null
  readonly onRun: (id: string) => void
  readonly onCancel: () => void
}): JSX.Element {
  const heading = useRef<HTMLHeadingElement>(null)
  const last = run?.lines.at(-1)
  const differs = WORDS.differs(kind)
  // What failed can be tried again.
  const isOpen = run === undefined || (run.isOver && last?.kind === 'failed')
  // Before the panel can be used: otherwise the focus would leave a choice that was made at once.
  useLayoutEffect(() => {
    heading.current?.focus()
  }, [])
  return (
    <section class="panel">
      <h3 ref={heading} tabIndex={-1}>
        {WORDS.leverOf(kind, WORDS.valueOf(kind, value))}
      </h3>
      <p>{differs === undefined ? WORDS.same : WORDS.similar}</p>
      <pre tabIndex={0}>
        <code>{command}</code>
      </pre>
      {differs !== undefined && <p class="quiet">{differs}</p>}
      <fieldset disabled={!isOpen}>
        <legend>{WORDS.predict}</legend>
        {PREDICTIONS.map(([name, text]) => (
          <label key={name}>
            <input
              type="radio"
              name="prediction"
              value={name}
              checked={predicted === name}
              onChange={() => onPredict(name)}
            />
            {text}
          </label>
        ))}
      </fieldset>
      {isOpen && (
        <p class="buttons">
          <button type="button" disabled={predicted === undefined || isBusy} onClick={() => onRun(id)}>
            {WORDS.run}
          </button>
          <button type="button" onClick={onCancel}>
            {WORDS.cancel}
          </button>
        </p>
      )}
      <div role="status">
        <RunState run={run} isBusy={isBusy} lesson={lesson} />
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
