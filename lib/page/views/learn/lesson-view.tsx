import { type JSX } from 'preact'
import { Link } from 'wouter-preact'
import { type LessonsDocument } from '../../../demo-page/demo-document.js'
import { pageLanguage } from '../../language.js'
import { useAnswer } from '../../live/use-answer.js'
import { useDemo } from '../../live/use-demo.js'
import { runs } from '../../live/start-run.js'
import { AnswerState } from '../../parts/answer-state.js'
import { View } from '../../parts/view.js'
import { TEXTS } from '../../texts.js'
import { LessonEnd } from './lesson-end.js'
import { LessonOpening } from './lesson-opening.js'
import { lessonProgress } from './lesson-progress.js'
import { LessonRun } from './lesson-run.js'

const WORDS = TEXTS.learn
const LANGUAGE = pageLanguage()

/** One lesson: its steps, as far as they have run. */
export function LessonView({ number }: { readonly number: number }): JSX.Element {
  const listed = useAnswer<LessonsDocument>('/demo/lessons')
  const { isBusy, mayBegin, lesson: open } = useDemo()
  const items = listed.answer?.items ?? []
  const lesson = items.find(each => each.number === number)
  if (lesson === undefined)
    return (
      <View title={WORDS.title} about={WORDS.about}>
        <AnswerState {...listed} />
        {listed.answer !== undefined && <p class="message">{WORDS.unknown}</p>}
      </View>
    )
  const run = runs.value.learn?.id === lesson.id ? runs.value.learn : undefined
  const progress = lessonProgress(run?.lines ?? [])
  const isDone = run?.isOver === true && progress.steps.filter(({ result }) => result).length === lesson.steps.length
  return (
    <View
      title={WORDS.lesson(number, lesson.title[LANGUAGE])}
      about={WORDS.length(lesson.steps.length, lesson.minutes)}
    >
      <p>
        <Link href="/learn">{WORDS.all}</Link>
      </p>
      {run !== undefined && <LessonRun lesson={lesson} run={run} progress={progress} />}
      {run === undefined && (
        <ol class="outline">
          {lesson.steps.map((title, index) => (
            <li key={index}>{WORDS.place(number, index + 1, title[LANGUAGE])}</li>
          ))}
        </ol>
      )}
      {isDone && <LessonEnd progress={progress} following={items.find(each => each.number === number + 1)} />}
      {run?.isOver !== false && (
        <LessonOpening lesson={lesson} isAgain={run !== undefined} isBusy={isBusy} mayBegin={mayBegin} open={open} />
      )}
    </View>
  )
}
