import { type JSX } from 'preact'
import { useState } from 'preact/hooks'
import { type LessonsDocument } from '../../../demo-page/demo-document.js'
import { pageLanguage } from '../../language.js'
import { sendReply } from '../../live/send-reply.js'
import { type Run } from '../../live/start-run.js'
import { proxyPlainText } from '../../parts/proxy-text.js'
import { RunState } from '../../parts/run-state.js'
import { RunSteps } from '../../parts/run-steps.js'
import { TEXTS } from '../../texts.js'
import { type LessonProgress } from './lesson-progress.js'
import { LessonStep } from './lesson-step.js'

const WORDS = TEXTS.learn
const LANGUAGE = pageLanguage()

/** The steps of a lesson that have run, and that run, with what the user can say now. */
export function LessonRun({
  lesson,
  run,
  progress: { intro, steps, next },
}: {
  readonly lesson: LessonsDocument['items'][number]
  readonly run: Run
  readonly progress: LessonProgress
}): JSX.Element {
  const [said, setSaid] = useState<{ readonly id: string; readonly problem?: string | undefined }>()
  const reply = (id: string): void => {
    setSaid({ id })
    void sendReply(id).then(problem => setSaid({ id, problem }))
  }
  const replied = said?.problem === undefined ? said?.id : undefined
  const asked = run.lines.at(-1)?.kind === 'question' ? steps.at(-1)?.question : undefined
  const replies = asked === undefined ? [] : [asked.show, ...asked.choices.map(({ id }) => id)]
  const hasReplied = replied !== undefined && [next, ...replies].includes(replied)
  const isLeaving = replied === lesson.leave
  const waits = !run.isOver && !isLeaving && (next ?? asked) !== undefined && !hasReplied
  return (
    <>
      {intro.some(({ kind }) => kind === 'step') && <RunSteps lines={intro} label={WORDS.preparing} />}
      {intro.map(line => line.kind === 'recorded' && <p class="message">{line.text[LANGUAGE]}</p>)}
      {steps.map((progress, index) => (
        <LessonStep
          key={index}
          title={WORDS.place(lesson.number, index + 1, progress.step.title[LANGUAGE])}
          progress={progress}
          replied={replied}
          isOpen={waits && progress.question === asked && asked !== undefined}
          onReply={reply}
        />
      ))}
      <div role="status">
        {isLeaving && !run.isOver ? (
          <p>{WORDS.leaving}</p>
        ) : (
          !waits && <RunState run={run} isBusy={false} lesson={null} />
        )}
        {said?.problem !== undefined && <p class="message">{WORDS.notTaken(proxyPlainText(said.problem))}</p>}
      </div>
      {!run.isOver && (
        <p class="buttons">
          {next !== undefined && (
            <button type="button" disabled={!waits} onClick={() => reply(next)}>
              {WORDS.next}
            </button>
          )}
          <button type="button" disabled={isLeaving} onClick={() => reply(lesson.leave)}>
            {WORDS.leave}
          </button>
        </p>
      )}
    </>
  )
}
