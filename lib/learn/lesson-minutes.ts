import { type Lesson } from './lesson.js'

/** Words that a beginner reads in a minute, with commands between them. */
const WORDS_A_MINUTE = 120
/** Seconds for a prediction and for the output of commands. */
const SECONDS_A_STEP = 30

/** About how long a lesson takes, in minutes: from the length of its texts. */
export function lessonMinutes({ steps }: Lesson): number {
  const texts = steps.flatMap(({ say, question, choices, why }) => [
    say,
    question,
    ...choices.map(({ text }) => text),
    why,
  ])
  const words = texts.reduce((sum, { en }) => sum + en.split(/\s+/).length, 0)
  return Math.max(1, Math.round(words / WORDS_A_MINUTE + (steps.length * SECONDS_A_STEP) / 60))
}
