import { type JSX } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { pageLanguage } from '../../language.js'
import { Mark } from '../../parts/mark.js'
import { ProofLine } from '../../parts/proof-line.js'
import { RunSteps } from '../../parts/run-steps.js'
import { TEXTS } from '../../texts.js'
import { type StepProgress } from './lesson-progress.js'

const WORDS = TEXTS.learn
const LANGUAGE = pageLanguage()

/** A step: what to know, what has happened before, the prediction, and what has happened. @param title with its number */
export function LessonStep({
  title,
  progress: { step, before, after, question, result },
  replied,
  isOpen,
  onReply,
}: {
  readonly title: string
  readonly progress: StepProgress
  /** What the user has said last. */
  readonly replied: string | undefined
  /** Whether the lesson waits for what the user expects of this step. */
  readonly isOpen: boolean
  readonly onReply: (id: string) => void
}): JSX.Element {
  const heading = useFocus<HTMLHeadingElement>()
  return (
    <section class="panel">
      <h3 ref={heading} tabIndex={-1}>
        {title}
      </h3>
      <p>{step.say[LANGUAGE]}</p>
      {before.some(({ kind }) => kind === 'step') && <RunSteps lines={before} label={WORDS.preparing} />}
      {question !== undefined && (
        <>
          {result === undefined && (
            <>
              <p class="quiet">{WORDS.command(TEXTS.ask.place(question.where))}</p>
              <pre tabIndex={0}>
                <code>{`$ ${question.command}`}</code>
              </pre>
            </>
          )}
          <fieldset disabled={!isOpen}>
            <legend>{question.text[LANGUAGE]}</legend>
            <p class="levers">
              {[...question.choices, { id: question.show, text: undefined }].map(({ id, text }, index) => (
                <button
                  key={id}
                  type="button"
                  aria-pressed={replied === id || (result !== undefined && result.predicted === index)}
                  disabled={!isOpen}
                  onClick={() => onReply(id)}
                >
                  {text === undefined ? WORDS.show : text[LANGUAGE]}
                </button>
              ))}
            </p>
          </fieldset>
        </>
      )}
      {result !== undefined && (
        <>
          <RunSteps lines={after} label={WORDS.output} />
          <StepResult result={result} choices={question?.choices.map(({ text }) => text[LANGUAGE]) ?? []} />
        </>
      )}
    </section>
  )
}

/** What has happened, beside what the user had expected. */
function StepResult({
  result: { predicted, right, why, ...proof },
  choices,
}: {
  readonly result: NonNullable<StepProgress['result']>
  readonly choices: readonly string[]
}): JSX.Element {
  const heading = useFocus<HTMLHeadingElement>()
  const was = choices[right] ?? ''
  return (
    <>
      <h4 ref={heading} tabIndex={-1}>
        {WORDS.result}
      </h4>
      <ProofLine {...proof} />
      {proof.holds ? (
        <>
          <p>
            {predicted === null ? (
              WORDS.shown(was)
            ) : (
              <Mark kind={predicted === right ? 'good' : 'warning'}>
                {predicted === right ? TEXTS.levers.right(was) : TEXTS.levers.wrong(choices[predicted] ?? '', was)}
              </Mark>
            )}
          </p>
          <p>{why[LANGUAGE]}</p>
        </>
      ) : (
        <p class="message">{WORDS.failed}</p>
      )}
    </>
  )
}

/** Takes a reader to what has just come: the button that was pressed is gone, or cannot be pressed any more. */
function useFocus<Element extends HTMLElement>() {
  const element = useRef<Element>(null)
  useLayoutEffect(() => {
    element.current?.focus()
  }, [])
  return element
}
