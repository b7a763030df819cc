import { fillTexts } from '../ask/fill-texts.js'
import { type Lab } from '../ask/lab.js'
import { reportOfMode } from '../ask/report-of-mode.js'
import { type Lack, chooseLab } from '../learn/choose-lab.js'
import { LACK_TEXTS } from '../learn/lack-texts.js'
import { type Command, type Lesson, type LessonStep } from '../learn/lesson.js'
import { type Prediction, type StepResult, runLesson } from '../learn/run-lesson.js'
import { type WriteLine } from './demo-document.js'
import { stepLine } from './step-line.js'

/** What starts a lesson. */
export function lessonId({ number }: Lesson): string {
  return `learn/${number}`
}

/** What ends a lesson that is open. */
export function leaveId(lesson: Lesson): string {
  return `${lessonId(lesson)}/leave`
}

/** A lesson that runs for a page. It waits for what its user replies, and ends when the user leaves. */
export class LiveLesson {
  readonly #lesson: Lesson
  readonly #write: WriteLine
  /** The step that runs: from 0. */
  #index = 0
  /** What the user may reply now, by its id. */
  #replies: ReadonlyMap<string, () => void> = new Map()
  /** Ends a wait for a reply. */
  #endWait: () => void = () => undefined
  #hasLeft = false

  constructor(lesson: Lesson, write: WriteLine) {
    this.#lesson = lesson
    this.#write = write
  }

  /**
   * Resolves at the end of the lesson, or some time after the user has left: when what runs has ended.
   * @returns whether all steps have run
   */
  async run(clusterLab: Lab): Promise<boolean> {
    const { lab, lack } = await chooseLab(this.#lesson, clusterLab)
    if (lack !== undefined) this.#writeLack(lack)
    const results = await runLesson(this.#lesson, lab, {
      mayBegin: index => this.#mayBegin(index),
      onStep: ({ title, say }) => this.#write({ kind: 'lesson-step', title, say }),
      onShown: ({ ran, meaning }) => this.#write(stepLine(ran, meaning)),
      onCommand: command => this.#writeQuestion(command),
      predict: () => this.#predict(),
      onResult: result => this.#writeResult(result),
    })
    return results.length === this.#lesson.steps.length
  }

  /** Takes what the user says. @returns false: the lesson does not wait for this now */
  reply(id: string): boolean {
    if (id === leaveId(this.#lesson)) {
      this.leave()
      return true
    }
    const take = this.#replies.get(id)
    this.#replies = take === undefined ? this.#replies : new Map()
    take?.()
    return take !== undefined
  }

  /** The user is gone: nothing more begins. */
  leave(): void {
    this.#hasLeft = true
    this.#endWait()
  }

  /** The first step begins with the lesson. */
  #mayBegin(index: number): Promise<boolean> {
    this.#index = index
    if (index === 0) return Promise.resolve(!this.#hasLeft)
    const id = this.#replyId('begin')
    this.#write({ kind: 'next', id })
    return this.#wait(new Map([[id, true]]), false)
  }

  #predict(): Promise<Prediction> {
    const choices = this.#step.choices.map((_, index) => [this.#replyId(index), index] as const)
    return this.#wait<Prediction>(new Map<string, Prediction>([...choices, [this.#replyId('show'), 'show']]), 'leave')
  }

  /** @param left what it resolves with if the user leaves, or has left */
  #wait<Reply>(replies: ReadonlyMap<string, Reply>, left: Reply): Promise<Reply> {
    if (this.#hasLeft) return Promise.resolve(left)
    return new Promise(resolve => {
      this.#replies = new Map([...replies].map(([id, reply]) => [id, () => resolve(reply)]))
      this.#endWait = () => resolve(left)
    })
  }

  #writeLack({ mode, check }: Lack): void {
    this.#write(stepLine(reportOfMode(check, mode), fillTexts(LACK_TEXTS.noMode, { mode })))
    this.#write({ kind: 'recorded', text: fillTexts(LACK_TEXTS.recorded, { mode }) })
  }

  #writeQuestion({ where, line }: Command): void {
    const { question, choices } = this.#step
    this.#write({
      ...{ kind: 'question', where: typeof where === 'string' ? where : where.name, command: line, text: question },
      ...{
        choices: choices.map(({ text }, index) => ({ id: this.#replyId(index), text })),
        show: this.#replyId('show'),
      },
    })
  }

  #writeResult({ step, prediction, ran, reading, proof, why, holds }: StepResult): void {
    this.#write(stepLine(ran, null))
    if (reading !== undefined) this.#write(stepLine(reading.ran, null))
    this.#write({
      ...{ kind: 'result', predicted: typeof prediction === 'number' ? prediction : null, right: step.right },
      ...{ proof: proof.name, value: proof.value, why, holds },
    })
  }

  get #step(): LessonStep {
    return this.#lesson.steps[this.#index]!
  }

  /** Of the step that runs: a reply that comes twice, or late, is for no other one. */
  #replyId(reply: string | number): string {
    return `${lessonId(this.#lesson)}/${this.#index + 1}/${reply}`
  }
}
