import { type AskedStep } from '../../ask/ask-question.js'
import { fillTexts } from '../../ask/fill-texts.js'
import { reportOfMode } from '../../ask/report-of-mode.js'
import { type Language, type Texts } from '../../ask/texts.js'
import { type Lack } from '../../learn/choose-lab.js'
import { LACK_TEXTS } from '../../learn/lack-texts.js'
import { lessonMinutes } from '../../learn/lesson-minutes.js'
import { type Command, type Lesson, type LessonStep } from '../../learn/lesson.js'
import { type StepResult } from '../../learn/run-lesson.js'
import { type Terminal } from '../../terminal/terminal.js'
import { CommandPage } from '../command-page.js'
import { LEARN_TEXTS, choiceKey } from './learn-texts.js'

/** Prints lessons for people, in one language. */
export class LearnPage {
  readonly #terminal: Terminal
  readonly #language: Language
  readonly #commands: CommandPage

  /** @param isRecorded whether the commands of the lesson ran on another machine, before */
  constructor(terminal: Terminal, language: Language, isRecorded = false) {
    this.#terminal = terminal
    this.#language = language
    this.#commands = new CommandPage(terminal, language, isRecorded)
  }

  /** @param done the numbers of those that the user has done */
  printList(lessons: readonly Lesson[], done: ReadonlySet<number>): void {
    const next = lessons.find(({ number }) => !done.has(number))
    const hasDone = lessons.some(({ number }) => done.has(number))
    this.#terminal.printTable([
      [LEARN_TEXTS.number, LEARN_TEXTS.lesson, LEARN_TEXTS.time, ...(hasDone ? [LEARN_TEXTS.done] : [])].map(texts =>
        this.#text(texts),
      ),
      ...lessons.map(lesson => [
        String(lesson.number),
        this.#text(lesson.title),
        `${lessonMinutes(lesson)} ${this.#text(LEARN_TEXTS.minutes)}`,
        ...(hasDone ? [done.has(lesson.number) ? this.#text(LEARN_TEXTS.yes) : ''] : []),
      ]),
    ])
    this.#terminal.printText(this.#text(LEARN_TEXTS.how))
    if (hasDone && next !== undefined) this.#printNext(next)
  }

  printLesson({ number, title }: Lesson): void {
    this.#terminal.printTitle(`${number}. ${this.#text(title)}`)
  }

  /** Prints what stands in place of a run: why there is none, and what the node lacks. */
  printLack({ mode, check }: Lack): void {
    this.#terminal.printText(this.#text(fillTexts(LACK_TEXTS.noMode, { mode })))
    this.#terminal.printText('')
    this.#terminal.printCommand(check.command)
    this.#terminal.printOutput(reportOfMode(check, mode).output)
    this.#terminal.printText(this.#text(fillTexts(LACK_TEXTS.recorded, { mode })))
  }

  printStep({ title, say }: LessonStep, place: string): void {
    this.#terminal.printTitle(`${place} ${this.#text(title)}`)
    this.#terminal.printText(this.#text(say))
  }

  printShown(shown: AskedStep): void {
    this.#commands.printStep(shown)
  }

  /** Prints the command that comes next, and what can happen. */
  printQuestion({ where, line }: Command, { question, choices }: LessonStep): void {
    this.#terminal.printText('')
    this.#commands.printCommand(typeof where === 'string' ? where : where.name, line)
    this.#terminal.printText('')
    this.#terminal.printText(this.#text(question))
    for (const [index, { text }] of choices.entries())
      this.#terminal.printText(`${choiceKey(index)}) ${this.#text(text)}`)
  }

  printResult({ step, prediction, ran, reading, proof, why, holds }: StepResult): void {
    this.#terminal.printText('')
    // Its command is above, before the question.
    this.#commands.printOutput(ran)
    if (reading !== undefined) {
      this.#commands.printCommand(reading.ran.where, reading.ran.command)
      this.#commands.printOutput(reading.ran)
    }
    this.#terminal.printCheck(holds, `${this.#text(proof.name)}: ${proof.value}`)
    if (!holds) return this.#terminal.printText(this.#text(LEARN_TEXTS.failed))
    const { right, choices } = step
    const answer = `${choiceKey(right)}) ${this.#text(choices[right]!.text)}.`
    const verdict = prediction === right ? LEARN_TEXTS.right : LEARN_TEXTS.wrong
    this.#terminal.printText(typeof prediction === 'number' ? `${this.#text(verdict)} ${answer}` : answer)
    this.#terminal.printText(this.#text(why))
  }

  /** Prints the end of a lesson, and the next one. */
  printEnd(results: readonly StepResult[], next: Lesson | undefined): void {
    const predicted = results.filter(({ prediction }) => typeof prediction === 'number')
    const right = predicted.filter(({ prediction, step }) => prediction === step.right)
    this.#terminal.printText('')
    if (predicted.length > 0)
      this.#terminal.printText(`${this.#text(LEARN_TEXTS.score)}: ${right.length} / ${predicted.length}`)
    if (next === undefined) this.#terminal.printText(this.#text(LEARN_TEXTS.last))
    else this.#printNext(next)
  }

  #printNext({ number, title }: Lesson): void {
    this.#terminal.printText(`${this.#text(LEARN_TEXTS.next)}: kube-proxy learn ${number} (${this.#text(title)})`)
  }

  #text(texts: Texts): string {
    return texts[this.#language]
  }
}
