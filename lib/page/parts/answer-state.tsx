import { type JSX } from 'preact'
import { type LiveAnswer } from '../live/use-answer.js'
import { TEXTS } from '../texts.js'
import { timeText } from './time.js'

/** Whether an answer is awaited, missing or old; nothing if it is current. */
export function AnswerState({ answer, answeredAt, problem, needsToken }: LiveAnswer<object>): JSX.Element {
  return (
    <>
      {answer === undefined && !needsToken && <p class="message">{problem ?? TEXTS.loading}</p>}
      {answeredAt !== undefined && problem !== undefined && (
        <p class="message">{TEXTS.notCurrent(timeText(answeredAt), problem)}</p>
      )}
    </>
  )
}
