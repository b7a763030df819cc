import { type ComponentChildren, type JSX } from 'preact'
import { type LiveAnswer } from '../live/use-answer.js'
import { AnswerState } from './answer-state.js'
import { ProxyText } from './proxy-text.js'

/** What every list of the status API has. */
interface List<Item> {
  readonly items: readonly Item[]
  readonly notes: readonly string[]
}

/** Shows the items of an answer, with what the proxy notes about them, and whether they are old; before the first one, that it is asked. */
export function Answered<Item>({
  from,
  children,
}: {
  readonly from: LiveAnswer<List<Item>>
  readonly children: (items: readonly Item[]) => ComponentChildren
}): JSX.Element {
  const { answer } = from
  return (
    <>
      <AnswerState {...from} />
      {answer?.notes.map(note => (
        <p key={note} class="message">
          <ProxyText>{note}</ProxyText>
        </p>
      ))}
      {answer !== undefined && children(answer.items)}
    </>
  )
}
