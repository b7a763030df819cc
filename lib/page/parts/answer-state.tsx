import { type JSX } from 'preact'
import { type LiveAnswer } from '../live/use-answer.js'
import { TEXTS } from '../texts.js'
import { ProxyText, proxyPlainText } from './proxy-text.js'
import { timeText } from './time.js'

/** Whether an answer is awaited, missing or old; nothing if it is current. */
export function AnswerState({ answer, answeredAt, problem, needsToken }: LiveAnswer<object>): JSX.Element {
  return (
    <>
      {answer === undefined && !needsToken && (
        <p class="message">{problem === undefined ? TEXTS.loading : <ProxyText>{problem}</ProxyText>}</p>
      )}
      {answeredAt !== undefined && problem !== undefined && (
        <p class="message">{TEXTS.notCurrent(timeText(answeredAt), proxyPlainText(problem))}</p>
      )}
    </>
  )
}
