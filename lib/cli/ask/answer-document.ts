import { type Answer } from '../../ask/ask-question.js'
import { type Question } from '../../ask/question.js'
import { type Language } from '../../ask/texts.js'

/** A question as JSON, in one language. */
export function questionDocument({ number, title, asked }: Question, language: Language): object {
  return { number, text: title[language], asked }
}

/** The answer to a question as JSON, in one language. */
export function answerDocument(answer: Answer, language: Language): object {
  const { question, steps, proof, text, values, holds } = answer
  return {
    question: questionDocument(question, language),
    language,
    steps: steps.map(({ ran: { where, command, output, isLever = false }, meaning }) => ({
      ...{ where, command, output, isLever },
      meaning: meaning[language],
    })),
    proof: { name: proof.name[language], value: proof.value },
    answer: text[language],
    values,
    holds,
  }
}
