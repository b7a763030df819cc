import { type JSX } from 'preact'
import { type QuestionsDocument } from '../../demo-page/demo-document.js'
import { pageLanguage } from '../language.js'
import { useAnswer } from '../live/use-answer.js'
import { type Run, useRun } from '../live/use-run.js'
import { Mark } from '../parts/mark.js'
import { RunSteps } from '../parts/run-steps.js'
import { View } from '../parts/view.js'
import { TEXTS } from '../texts.js'

const WORDS = TEXTS.ask
const LANGUAGE = pageLanguage()

/** Questions about Services; each is answered by an experiment. */
export function AskView(): JSX.Element {
  const { answer, problem } = useAnswer<QuestionsDocument>('/demo/questions')
  const [run, start] = useRun()
  return (
    <View title={WORDS.title} about={WORDS.about}>
      {answer === undefined && <p class="message">{problem ?? TEXTS.loading}</p>}
      <ul class="questions">
        {answer?.items.map(({ id, number, title, asked }) => (
          <li key={id}>
            <button type="button" disabled={run?.isOver === false} onClick={() => void start(id)}>
              {number}. {title[LANGUAGE]}
            </button>
            {asked.length > 0 && <p class="help">{WORDS.asked(asked.join(', '))}</p>}
            {run?.id === id && <Experiment {...run} />}
          </li>
        ))}
      </ul>
    </View>
  )
}

/** An experiment, and the answer that it proves. */
function Experiment({ lines, isOver }: Run): JSX.Element {
  const last = lines.at(-1)
  return (
    <section class="panel">
      <RunSteps lines={lines} />
      <div role="status">
        {!isOver && <p>{TEXTS.levers.running}</p>}
        {last?.kind === 'failed' && (
          <p class="message">
            {TEXTS.levers.failed(last.message)} {last.hint}
          </p>
        )}
        {last?.kind === 'answer' && (
          <>
            <h3>{WORDS.answer}</h3>
            {!last.holds && <p class="message">{WORDS.notProved}</p>}
            <p>{last.text[LANGUAGE]}</p>
            <p>
              <Mark kind={last.holds ? 'good' : 'bad'}>{`${WORDS.proof}: ${last.proof[LANGUAGE]}: ${last.value}`}</Mark>
            </p>
          </>
        )}
      </div>
    </section>
  )
}
