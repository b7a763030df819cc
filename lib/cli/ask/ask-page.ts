import { type Answer, type AskedStep } from '../../ask/ask-question.js'
import { type Question } from '../../ask/question.js'
import { type Language, type Texts } from '../../ask/texts.js'
import { type Terminal } from '../../terminal/terminal.js'
import { CommandPage } from '../command-page.js'

const ASKED_IN: Texts = { en: 'Asked in', ko: '질문이 나온 곳' }
const ANSWER: Texts = { en: 'Answer', ko: '답' }
const FAILED: Texts = {
  en: 'This run has not shown what the answer says: see the steps above.',
  ko: '이번 실행은 답이 말하는 것을 보여 주지 못했다. 위의 단계를 보라.',
}
const NUMBER: Texts = { en: 'NUMBER', ko: '번호' }
const QUESTION: Texts = { en: 'QUESTION', ko: '질문' }
const HOW: Texts = {
  en: 'kube-proxy ask NUMBER answers a question by an experiment on this machine.',
  ko: 'kube-proxy ask 번호: 이 기계에서 실험하여 질문에 답한다.',
}
/** Prints questions, experiments and answers for people, in one language. */
export class AskPage {
  readonly #terminal: Terminal
  readonly #language: Language
  readonly #commands: CommandPage

  constructor(terminal: Terminal, language: Language) {
    this.#terminal = terminal
    this.#language = language
    this.#commands = new CommandPage(terminal, language)
  }

  printList(questions: readonly Question[]): void {
    this.#terminal.printTable([
      [this.#text(NUMBER), this.#text(QUESTION)],
      ...questions.map(({ number, title, asked }) => [
        String(number),
        `${this.#text(title)}${asked.length === 0 ? '' : ` (${asked.join(', ')})`}`,
      ]),
    ])
    this.#terminal.printText(this.#text(HOW))
  }

  printQuestion({ number, title, asked }: Question): void {
    this.#terminal.printTitle(`${number}. ${this.#text(title)}`)
    if (asked.length > 0) this.#terminal.printText(`${this.#text(ASKED_IN)}: ${asked.join(', ')}`)
  }

  printStep(step: AskedStep): void {
    this.#commands.printStep(step)
  }

  printAnswer({ proof, text, holds }: Answer): void {
    this.#terminal.printTitle(this.#text(ANSWER))
    this.#terminal.printCheck(holds, `${this.#text(proof.name)}: ${proof.value}`)
    this.#terminal.printText(holds ? this.#text(text) : this.#text(FAILED))
  }

  #text(texts: Texts): string {
    return texts[this.#language]
  }
}
