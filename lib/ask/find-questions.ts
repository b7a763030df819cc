import { ProxyFailure } from '../model/failure.js'
import { quoteValue } from '../primitives/quote-value.js'
import { closestText } from '../primitives/closest-text.js'
import { type Question } from './question.js'

/**
 * The questions with this number, or with all these words in either language.
 * @throws ProxyFailure ASK_INVALID if there is none
 */
export function findQuestions(about: string, questions: readonly Question[]): readonly Question[] {
  const text = about.trim()
  const hint = 'kube-proxy ask lists all questions'
  if (/^-?\d+$/.test(text)) {
    const found = questions.filter(({ number }) => number === Number(text))
    if (found.length > 0) return found
    throw new ProxyFailure('ASK_INVALID', `There is no question ${text}`, {
      hint: `There are: ${questions.map(({ number }) => number).join(', ')}. ${hint}`,
    })
  }
  const wanted = text.toLowerCase().split(/\s+/)
  const found = questions.filter(question => {
    const searched = searchedText(question)
    return wanted.every(word => searched.includes(word))
  })
  if (found.length > 0) return found
  const words = [...new Set(questions.flatMap(question => searchedText(question).split(/[^\p{L}\p{N}-]+/u)))]
  const near = wanted.flatMap(word => closestText(word, words) ?? [])
  const suggestion = near.length === 0 ? '' : `; did you mean ${near.join(' ')}?`
  throw new ProxyFailure('ASK_INVALID', `No question has the words ${quoteValue(text)}${suggestion}`, { hint })
}

function searchedText({ title, asked, words }: Question): string {
  return [title.en, title.ko, ...asked, ...words].join(' ').toLowerCase()
}
