import { type JSX } from 'preact'
import { type QuestionsDocument } from '../../demo-page/demo-document.js'
import { pageLanguage } from '../language.js'
import { useAnswer } from '../live/use-answer.js'
import { type Run, runs, startRun } from '../live/start-run.js'
import { useDemo } from '../live/use-demo.js'
import { AnswerState } from '../parts/answer-state.js'
import { BusyNote } from '../parts/busy-note.js'
import { ProofLine } from '../parts/proof-line.js'
import { RunState } from '../parts/run-state.js'
import { RunSteps } from '../parts/run-steps.js'
import { View } from '../parts/view.js'
import { TEXTS } from '../texts.js'

const WORDS = TEXTS.ask
const LANGUAGE = pageLanguage()

/** Questions about Services; each is answered by an experiment. */
export function AskView(): JSX.Element {
  const asked = useAnswer<QuestionsDocument>('/demo/questions')
  const { isBusy, mayBegin, lesson } = useDemo()
  const run = runs.value.ask
  return (
    <View title={WORDS.title} about={WORDS.about}>
      <AnswerState {...asked} />
      {run?.isOver !== false && isBusy && <BusyNote lesson={lesson} />}
      <ul class="questions">
        {asked.answer?.items.map(({ id, number, title, asked: places }) => (
          <li key={id}>
            <button type="button" disabled={!mayBegin} onClick={() => void startRun('ask', id)}>
              {number}. {title[LANGUAGE]}
            </button>
            {places.length > 0 && <p class="help">{WORDS.asked(places.join(', '))}</p>}
            {run?.id === id && <Experiment {...run} />}
          </li>
        ))}
      </ul>
    </View>
  )
}

/** An experiment, and the answer that it proves. */
function Experiment(run: Run): JSX.Element {
  const last = run.lines.at(-1)
  return (
    <section class="panel">
      <RunSteps lines={run.lines} />
      <div role="status">
        <RunState run={run} isBusy={false} lesson={null} />
        {last?.kind === 'answer' && (
          <>
            <h3>{WORDS.answer}</h3>
            {!last.holds && <p class="message">{WORDS.notProved}</p>}
            <p>{last.text[LANGUAGE]}</p>
            <ProofLine proof={last.proof} value={last.value} holds={last.holds} />
          </>
        )}
      </div>
    </section>
  )
}
