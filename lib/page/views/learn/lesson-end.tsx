import { type JSX } from 'preact'
import { Link } from 'wouter-preact'
import { type LessonsDocument } from '../../../demo-page/demo-document.js'
import { pageLanguage } from '../../language.js'
import { TEXTS } from '../../texts.js'
import { type LessonProgress } from './lesson-progress.js'

const WORDS = TEXTS.learn

/** How many predictions were right, and where to go on. @param following the next lesson; undefined: this was the last one */
export function LessonEnd({
  progress: { predicted, right },
  following,
}: {
  readonly progress: LessonProgress
  readonly following: LessonsDocument['items'][number] | undefined
}): JSX.Element {
  return (
    <>
      {predicted > 0 && <p>{WORDS.score(right, predicted)}</p>}
      <p>
        {following === undefined ? (
          WORDS.last
        ) : (
          <Link href={`/learn/${following.number}`}>
            {WORDS.following(WORDS.lesson(following.number, following.title[pageLanguage()]))}
          </Link>
        )}
      </p>
    </>
  )
}
