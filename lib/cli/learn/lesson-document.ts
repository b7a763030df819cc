import { type Ran } from '../../ask/lab.js'
import { type Language } from '../../ask/texts.js'
import { lessonMinutes } from '../../learn/lesson-minutes.js'
import { type Lesson } from '../../learn/lesson.js'
import { type StepResult } from '../../learn/run-lesson.js'
import { choiceKey } from './learn-texts.js'

/** A lesson as JSON, in one language. */
export function lessonDocument(lesson: Lesson, language: Language): object {
  return { number: lesson.number, text: lesson.title[language], minutes: lessonMinutes(lesson) }
}

/**
 * A lesson that has run as JSON, in one language.
 * @param lack the check that shows why it ran on another machine, before; undefined: it ran here
 */
export function resultDocument(
  lesson: Lesson,
  results: readonly StepResult[],
  language: Language,
  lack: Ran | undefined,
): object {
  return {
    lesson: lessonDocument(lesson, language),
    language,
    isRecorded: lack !== undefined,
    ...(lack !== undefined && { check: ranDocument(lack) }),
    steps: results.map(({ step, shown, ran, reading, proof, why, holds }) => ({
      title: step.title[language],
      say: step.say[language],
      before: shown.map(each => ({ ...ranDocument(each.ran), meaning: each.meaning[language] })),
      question: step.question[language],
      choices: step.choices.map(({ text }, index) => ({ key: choiceKey(index), text: text[language] })),
      right: choiceKey(step.right),
      ...ranDocument(ran),
      ...(reading !== undefined && { counter: ranDocument(reading.ran) }),
      proof: { name: proof.name[language], value: proof.value },
      why: why[language],
      holds,
    })),
    holds: results.every(({ holds }) => holds),
  }
}

function ranDocument({ where, command, output, isLever = false }: Ran): object {
  return { where, command, output, isLever }
}
