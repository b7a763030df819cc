import { type JSX } from 'preact'
import { useState } from 'preact/hooks'
import { type LessonsDocument } from '../../../demo-page/demo-document.js'
import { sendReply } from '../../live/send-reply.js'
import { startRun } from '../../live/start-run.js'
import { BusyNote } from '../../parts/busy-note.js'
import { proxyPlainText } from '../../parts/proxy-text.js'
import { TEXTS } from '../../texts.js'

const WORDS = TEXTS.learn

/** The way into a lesson, or what is in the way. @param open the number of the lesson that is open; null: none */
export function LessonOpening({
  lesson: { id, leave, number },
  isAgain,
  isBusy,
  mayBegin,
  open,
}: {
  readonly lesson: LessonsDocument['items'][number]
  readonly isAgain: boolean
  readonly isBusy: boolean
  readonly mayBegin: boolean
  readonly open: number | null
}): JSX.Element {
  const [problem, setProblem] = useState<string>()
  const isElsewhere = isBusy && open === number
  return (
    <>
      <div role="status">
        {isElsewhere ? <p class="message">{WORDS.elsewhere}</p> : isBusy && <BusyNote lesson={open} />}
        {problem !== undefined && <p class="message">{WORDS.notTaken(proxyPlainText(problem))}</p>}
      </div>
      <p class="buttons">
        <button type="button" disabled={!mayBegin} onClick={() => void startRun('learn', id)}>
          {isAgain ? WORDS.again : WORDS.start}
        </button>
        {isElsewhere && (
          <button type="button" onClick={() => void sendReply(leave).then(setProblem)}>
            {WORDS.endThere}
          </button>
        )}
      </p>
    </>
  )
}
