import { type AskedStep } from '../ask/ask-question.js'
import { fillTexts } from '../ask/fill-texts.js'
import { type Lab, type Ran } from '../ask/lab.js'
import { type Texts, type Values } from '../ask/texts.js'
import { type Command, type Counter, type Lesson, type LessonStep, type Reading, isCounter } from './lesson.js'

/** The index of a choice; `show`: no prediction; `leave`: the lesson ends. */
export type Prediction = number | 'show' | 'leave'

/** A step that has run. */
export interface StepResult {
  readonly step: LessonStep
  readonly prediction: Prediction
  /** What happened before the command. */
  readonly shown: readonly AskedStep[]
  readonly ran: Ran
  /** The counter after the command; undefined: the step has none. */
  readonly reading: Reading | undefined
  readonly proof: { readonly name: Texts; readonly value: number | string }
  readonly why: Texts
  /** Whether the run has shown what `why` explains, and nothing else. */
  readonly holds: boolean
}

/** Shows a lesson while it runs, and asks for predictions. */
export interface LessonListener {
  /** Resolves when the user wants the step to begin; with false, the lesson ends before it. Left out: each step begins at once. */
  mayBegin?(index: number): Promise<boolean>
  onStep(step: LessonStep, index: number): void
  onShown(shown: AskedStep): void
  /** The command that runs after the prediction. */
  onCommand(command: Command): void
  predict(step: LessonStep): Promise<Prediction>
  onResult(result: StepResult): void
}

/** Runs the steps of a lesson until the end, or until the user leaves. @returns the steps that have run */
export async function runLesson({ steps }: Lesson, lab: Lab, listener: LessonListener): Promise<readonly StepResult[]> {
  const results: StepResult[] = []
  await lab.reset()
  for (const [index, step] of steps.entries()) {
    if ((await listener.mayBegin?.(index)) === false) return results
    listener.onStep(step, index)
    const result = await runStep(step, lab, listener)
    if (result === undefined) return results
    results.push(result)
    listener.onResult(result)
  }
  return results
}

async function runStep(step: LessonStep, lab: Lab, listener: LessonListener): Promise<StepResult | undefined> {
  const shown: AskedStep[] = []
  const held = await step.prepare?.({
    lab,
    show(ran, meaning, quoted = {}) {
      const asked = { ran, meaning: fillTexts(meaning, quoted) }
      shown.push(asked)
      listener.onShown(asked)
    },
  })
  try {
    const { proof } = step
    const command = await step.command(lab)
    const before = isCounter(proof) ? await proof.read(lab) : undefined
    listener.onCommand(command)
    const prediction = await listener.predict(step)
    if (prediction === 'leave') return undefined
    const ran = await lab.shell(command.where, command.line)
    // After the command: a request that is still open was open all the time.
    const isOpen = (await held?.isOpen()) ?? true
    const hasRun = ran.exitCode === 0 || step.mayFail === true
    const valuesAt = (reading?: Reading): Values =>
      step.observe({ ran, more: (reading?.value ?? 0) - (before?.value ?? 0), lab })
    const reading = isCounter(proof) ? await readAfter(proof, lab, each => isRight(step, valuesAt(each))) : undefined
    const values = valuesAt(reading)
    const proven = isCounter(proof) ? risen(before!, reading!) : values[proof.value]!
    return {
      ...{ step, prediction, shown, ran, reading, proof: { name: proof.name, value: proven } },
      why: fillTexts(step.why, values),
      holds: isOpen && hasRun && isRight(step, values),
    }
  } finally {
    await held?.end()
  }
}

/** Whether the choice that the step explains is the only one that was seen. */
function isRight({ choices, right }: LessonStep, values: Values): boolean {
  return choices.every((choice, index) => choice.isSeen(values) === (index === right))
}

/** Reads a counter until it shows what is wanted, at most as long as it can be late. */
async function readAfter(counter: Counter, lab: Lab, isWanted: (reading: Reading) => boolean): Promise<Reading> {
  const end = performance.now() + (counter.delayMs?.(lab) ?? 0)
  let reading = await counter.read(lab)
  if (isWanted(reading) || performance.now() >= end) return reading
  await lab.until(
    () => isWanted(reading) || performance.now() >= end,
    async () => (reading = await counter.read(lab)).ran,
  )
  return reading
}

function risen({ value: before }: Reading, { value: after }: Reading): string {
  return `${before} → ${after} (+${after - before})`
}
