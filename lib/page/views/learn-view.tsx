import { type JSX } from 'preact'
import { Link } from 'wouter-preact'
import { type LessonsDocument } from '../../demo-page/demo-document.js'
import { pageLanguage } from '../language.js'
import { useAnswer } from '../live/use-answer.js'
import { useDemo } from '../live/use-demo.js'
import { AnswerState } from '../parts/answer-state.js'
import { BusyNote } from '../parts/busy-note.js'
import { Mark } from '../parts/mark.js'
import { View } from '../parts/view.js'
import { TEXTS } from '../texts.js'

const WORDS = TEXTS.learn
const LANGUAGE = pageLanguage()

/** All lessons. */
export function LearnView(): JSX.Element {
  const listed = useAnswer<LessonsDocument>('/demo/lessons')
  const { isBusy, lesson } = useDemo()
  const items = listed.answer?.items ?? []
  const next = items.some(({ isDone }) => isDone) ? items.find(({ isDone }) => !isDone) : undefined
  return (
    <View title={WORDS.title} about={WORDS.about}>
      <AnswerState {...listed} />
      {isBusy && <BusyNote lesson={lesson} />}
      <ul class="lessons">
        {items.map(({ id, number, title, minutes, steps, isDone }) => (
          <li key={id}>
            <Link href={`/learn/${number}`}>{WORDS.lesson(number, title[LANGUAGE])}</Link>{' '}
            <span class="quiet">{WORDS.length(steps.length, minutes)}</span>{' '}
            {isDone && <Mark kind="good">{WORDS.done}</Mark>}
          </li>
        ))}
      </ul>
      {next !== undefined && (
        <p>
          <Link href={`/learn/${next.number}`}>{WORDS.following(WORDS.lesson(next.number, next.title[LANGUAGE]))}</Link>
        </p>
      )}
    </View>
  )
}
