import { type AskedStep } from '../ask/ask-question.js'
import { type Ran } from '../ask/lab.js'
import { type Language, type Texts } from '../ask/texts.js'
import { type Terminal } from '../terminal/terminal.js'

/** Longer outputs of programs are cut on the page; JSON has all of them. */
const MAX_OUTPUT_LINES = 16

const MORE: Texts = { en: 'more lines', ko: '줄 더 있음' }
const NO_OUTPUT: Texts = { en: '(no output)', ko: '(출력 없음)' }
const RECORDED: Texts = { en: 'recorded, not run here', ko: '기록된 것, 여기서 실행하지 않음' }
const PLACES: ReadonlyMap<string, Texts> = new Map([
  ['node', { en: 'on the node', ko: '노드에서' }],
  ['client', { en: 'in the client Pod', ko: '클라이언트 파드에서' }],
  ['outside', { en: 'on a host outside the cluster', ko: '클러스터 밖의 호스트에서' }],
  [
    'cluster',
    { en: 'in a real cluster; here the demo does it', ko: '실제 클러스터에서 쓰는 명령, 여기서는 데모가 대신한다' },
  ],
])

/** Prints commands, where they ran, and what they printed, in one language. */
export class CommandPage {
  readonly #terminal: Terminal
  readonly #language: Language
  readonly #isRecorded: boolean

  /** @param isRecorded whether the commands ran on another machine, before */
  constructor(terminal: Terminal, language: Language, isRecorded = false) {
    this.#terminal = terminal
    this.#language = language
    this.#isRecorded = isRecorded
  }

  /** Prints a command, its output and what that means, after an empty line. */
  printStep({ ran, meaning }: AskedStep): void {
    this.#terminal.printText('')
    this.printCommand(ran.where, ran.command)
    this.printOutput(ran)
    this.#terminal.printText(meaning[this.#language])
  }

  /** @param where as in `Ran` */
  printCommand(where: string, command: string): void {
    const place = PLACES.get(where) ?? { en: `in the Pod ${where}`, ko: `파드 ${where}에서` }
    const recorded = this.#isRecorded ? `; ${RECORDED[this.#language]}` : ''
    this.#terminal.printCommand(command, `${place[this.#language]}${recorded}`)
  }

  printOutput({ output, isLever }: Ran): void {
    const lines = output.split('\n')
    const more = lines.length - MAX_OUTPUT_LINES
    if (more > 1) lines.splice(MAX_OUTPUT_LINES, more, `… ${more} ${MORE[this.#language]}`)
    if (output !== '') this.#terminal.printOutput(lines.join('\n'))
    else if (isLever !== true) this.#terminal.printOutput(NO_OUTPUT[this.#language])
  }
}
