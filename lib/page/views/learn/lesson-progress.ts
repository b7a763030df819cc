import { type RunLine } from '../../../demo-page/demo-document.js'

type LineOf<Kind> = Extract<RunLine, { readonly kind: Kind }>

/** What has happened in a step so far. */
export interface StepProgress {
  readonly step: LineOf<'lesson-step'>
  /** What has run before the question, and since. */
  readonly before: readonly RunLine[]
  readonly after: readonly RunLine[]
  readonly question: LineOf<'question'> | undefined
  readonly result: LineOf<'result'> | undefined
}

/** What has happened in a lesson so far. */
export interface LessonProgress {
  /** Lines before the first step. */
  readonly intro: readonly RunLine[]
  readonly steps: readonly StepProgress[]
  /** What begins the next step; undefined: the lesson does not wait for that. */
  readonly next: string | undefined
  /** Predictions, and how many were right. */
  readonly predicted: number
  readonly right: number
}

/** Puts the lines of a lesson in order. */
export function lessonProgress(lines: readonly RunLine[]): LessonProgress {
  const starts = lines.flatMap(({ kind }, index) => (kind === 'lesson-step' ? index : []))
  const steps = starts.map((start, index) => stepProgress(lines.slice(start, starts[index + 1])))
  const predictions = steps.flatMap(({ result }) => (result === undefined || result.predicted === null ? [] : result))
  const last = lines.at(-1)
  return {
    intro: lines.slice(0, starts[0] ?? lines.length),
    steps,
    next: last?.kind === 'next' ? last.id : undefined,
    predicted: predictions.length,
    right: predictions.filter(({ predicted, right }) => predicted === right).length,
  }
}

/** @param lines the first one begins the step */
function stepProgress(lines: readonly RunLine[]): StepProgress {
  const asked = lines.findIndex(({ kind }) => kind === 'question')
  return {
    step: lines[0] as LineOf<'lesson-step'>,
    before: asked < 0 ? lines : lines.slice(0, asked),
    after: asked < 0 ? [] : lines.slice(asked),
    question: lines[asked] as LineOf<'question'> | undefined,
    result: lines.find(line => line.kind === 'result'),
  }
}
