import { ProxyFailure } from '../model/failure.js'
import { quoteValue } from '../primitives/quote-value.js'
import { type Lesson } from './lesson.js'

/** The lesson with this number. @throws ProxyFailure LEARN_INVALID if there is none */
export function findLesson(number: string, lessons: readonly Lesson[]): Lesson {
  const found = lessons.find(lesson => String(lesson.number) === number)
  if (found !== undefined) return found
  throw new ProxyFailure('LEARN_INVALID', `There is no lesson ${quoteValue(number)}`, {
    hint: `There are: ${lessons.map(lesson => lesson.number).join(', ')}. kube-proxy learn lists all lessons`,
  })
}
