import { type JSX } from 'preact'
import { Link } from 'wouter-preact'
import { type LessonsDocument } from '../../demo-page/demo-document.js'
import { pageLanguage } from '../language.js'
import { useAnswer } from '../live/use-answer.js'
import { useDemo } from '../live/use-demo.js'
import { AnswerState } from '../parts/answer-state.js'
import { BusyNote } from '../parts/busy-note.js'
import { View } from '../parts/view.js'
import { TEXTS } from '../texts.js'

const WORDS = TEXTS.learn
const LANGUAGE = pageLanguage()

/** All lessons. */
export function LearnView(): JSX.Element {
  const listed = useAnswer<LessonsDocument>('/demo/lessons')
  const { isBusy, lesson } = useDemo()
  return (
    <View title={WORDS.title} about={WORDS.about}>
      <AnswerState {...listed} />
      {isBusy && <BusyNote lesson={lesson} />}
      <ul class="lessons">
        {listed.answer?.items.map(({ id, number, title, minutes, steps }) => (
          <li key={id}>
            <Link href={`/learn/${number}`}>{WORDS.lesson(number, title[LANGUAGE])}</Link>{' '}
            <span class="quiet">{WORDS.length(steps.length, minutes)}</span>
          </li>
        ))}
      </ul>
    </View>
  )
}
