import { fillTexts } from './fill-texts.js'
import { type Lab, type Ran } from './lab.js'
import { type Question } from './question.js'
import { type Texts, type Values } from './texts.js'

/** One step of an experiment, as it ran. */
export interface AskedStep {
  readonly ran: Ran
  readonly meaning: Texts
}

/** A question with its answer, and the steps that prove it. */
export interface Answer {
  readonly question: Question
  readonly steps: readonly AskedStep[]
  readonly proof: { readonly name: Texts; readonly value: number | string }
  readonly text: Texts
  /** What the text quotes. */
  readonly values: Values
  readonly holds: boolean
}

/** Runs the experiment of a question. @param onStep is called with each step as soon as it is known */
export async function askQuestion(
  question: Question,
  lab: Lab,
  onStep: (step: AskedStep) => void = () => undefined,
): Promise<Answer> {
  const steps: AskedStep[] = []
  await lab.reset()
  const { proof, value, answer, values, holds } = await question.run({
    lab,
    show(ran, meaning, quoted = {}) {
      const step = { ran, meaning: fillTexts(meaning, quoted) }
      steps.push(step)
      onStep(step)
    },
  })
  return { question, steps, proof: { name: proof, value }, text: fillTexts(answer, values), values, holds }
}
