import { type Answer, type AskedStep } from '../../ask/ask-question.js'
import { type Question } from '../../ask/question.js'
import { type Language, type Texts } from '../../ask/texts.js'
import { type Terminal } from '../../terminal/terminal.js'

/** Longer outputs of programs are cut on the page; JSON has all of them. */
const MAX_OUTPUT_LINES = 16

const ASKED_IN: Texts = { en: 'Asked in', ko: '질문이 나온 곳' }
const ANSWER: Texts = { en: 'Answer', ko: '답' }
const FAILED: Texts = {
  en: 'This run has not shown what the answer says: see the steps above.',
  ko: '이번 실행은 답이 말하는 것을 보여 주지 못했다. 위의 단계를 보라.',
}
const MORE: Texts = { en: 'more lines', ko: '줄 더 있음' }
const NO_OUTPUT: Texts = { en: '(no output)', ko: '(출력 없음)' }
const NUMBER: Texts = { en: 'NUMBER', ko: '번호' }
const QUESTION: Texts = { en: 'QUESTION', ko: '질문' }
const HOW: Texts = {
  en: 'kube-proxy ask NUMBER answers a question by an experiment on this machine.',
  ko: 'kube-proxy ask 번호: 이 기계에서 실험하여 질문에 답한다.',
}
const PLACES: ReadonlyMap<string, Texts> = new Map([
  ['node', { en: 'on the node', ko: '노드에서' }],
  ['client', { en: 'in the client Pod', ko: '클라이언트 파드에서' }],
  ['outside', { en: 'on a host outside the cluster', ko: '클러스터 밖의 호스트에서' }],
  [
    'cluster',
    { en: 'in a real cluster; here the demo does it', ko: '실제 클러스터에서 쓰는 명령, 여기서는 데모가 대신한다' },
  ],
])

/** Prints questions, experiments and answers for people, in one language. */
export class AskPage {
  readonly #terminal: Terminal
  readonly #language: Language

  constructor(terminal: Terminal, language: Language) {
    this.#terminal = terminal
    this.#language = language
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

  printStep({ ran: { where, command, output, isLever }, meaning }: AskedStep): void {
    const place = PLACES.get(where) ?? { en: `in the Pod ${where}`, ko: `파드 ${where}에서` }
    this.#terminal.printText('')
    this.#terminal.printCommand(command, this.#text(place))
    const lines = output.split('\n')
    const more = lines.length - MAX_OUTPUT_LINES
    if (more > 1) lines.splice(MAX_OUTPUT_LINES, more, `… ${more} ${this.#text(MORE)}`)
    if (output !== '') this.#terminal.printOutput(lines.join('\n'))
    else if (isLever !== true) this.#terminal.printOutput(this.#text(NO_OUTPUT))
    this.#terminal.printText(this.#text(meaning))
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
