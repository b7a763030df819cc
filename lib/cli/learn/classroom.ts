import { type Language } from '../../ask/texts.js'
import { type Lack } from '../../learn/choose-lab.js'
import { type Lesson, type LessonStep } from '../../learn/lesson.js'
import { type LessonListener, type Prediction } from '../../learn/run-lesson.js'
import { KeyReader } from '../../terminal/key-reader.js'
import { terminalStyle } from '../../terminal/terminal-style.js'
import { Terminal } from '../../terminal/terminal.js'
import { WaitNotice } from '../../terminal/wait-notice.js'
import { LearnPage } from './learn-page.js'
import { LEARN_TEXTS, choiceKey } from './learn-texts.js'

export interface ClassroomOptions {
  readonly language: Language
  /** Whether to wait for predictions, if there is a terminal. */
  readonly asks: boolean
  readonly isJson: boolean
}

/** The terminal of a lesson: prints it, shows that a wait goes on, and reads predictions. Prints nothing if the output is JSON. */
export class Classroom {
  page: LearnPage
  readonly #options: ClassroomOptions
  readonly #terminal: Terminal
  readonly #notice: WaitNotice
  /** Undefined: no prediction is asked for. */
  readonly #keys: KeyReader | undefined

  constructor(options: ClassroomOptions) {
    const { language, asks, isJson } = options
    const { stdin, stdout } = process
    const needsUnicode = language !== 'en'
    const { colour, columns, isUnicode } = terminalStyle(stdout)
    this.#notice = new WaitNotice(text => stdout.write(text), LEARN_TEXTS.working[language])
    this.#options = options
    this.#terminal = new Terminal(text => this.#notice.write(text), colour, columns, isUnicode || needsUnicode)
    this.#keys = asks && !isJson && stdin.isTTY && stdout.isTTY ? new KeyReader(stdin) : undefined
    this.page = new LearnPage(this.#terminal, language)
  }

  start(lesson: Lesson): void {
    if (this.#options.isJson) return
    this.page.printLesson(lesson)
    if (process.stdout.isTTY) {
      this.#terminal.printText(LEARN_TEXTS.starting[this.#options.language])
      this.#notice.begin()
    }
  }

  /** The lesson does not run here: from now on commands are shown as recorded. */
  useRecord(lack: Lack): void {
    if (this.#options.isJson) return
    this.page.printLack(lack)
    this.page = new LearnPage(this.#terminal, this.#options.language, true)
  }

  /** @param throwIfEnded throws after an interruption: then nothing more is shown */
  listener({ number, steps }: Lesson, throwIfEnded: () => void): LessonListener {
    const show = (print: () => void): void => {
      throwIfEnded()
      if (!this.#options.isJson) print()
    }
    let current: LessonStep = steps[0]!
    return {
      onStep: (step, index) => {
        current = step
        show(() => this.page.printStep(step, `${number}.${index + 1}`))
      },
      onShown: shown => show(() => this.page.printShown(shown)),
      onCommand: command => show(() => this.page.printQuestion(command, current)),
      predict: step => this.#predict(step),
      onResult: result => show(() => this.page.printResult(result)),
    }
  }

  /** The lesson has ended: no wait goes on. */
  finish(): void {
    this.#notice.end()
  }

  close(): void {
    this.finish()
    this.#keys?.close()
  }

  async #predict({ choices }: LessonStep): Promise<Prediction> {
    if (this.#keys === undefined) return 'show'
    const { language } = this.#options
    const keys = choices.map((_, index) => choiceKey(index))
    this.#notice.end()
    const prompt = `${LEARN_TEXTS.prompt[language]} (${keys.join(', ')}; ${LEARN_TEXTS.keys[language]}): `
    try {
      const prediction = await this.#keys.read(
        key => predictionOf(key, keys),
        () => process.stdout.write(prompt),
      )
      const shown = typeof prediction === 'number' ? keys[prediction]! : ''
      process.stdout.write(`${shown}\n`)
      return prediction ?? 'show'
    } catch (error) {
      process.stdout.write('\n')
      throw error
    } finally {
      this.#notice.begin()
    }
  }
}

function predictionOf(key: string, keys: readonly string[]): Prediction | undefined {
  if (key === '\r' || key === '\n') return 'show'
  if (key === 'q' || key === 'Q') return 'leave'
  const index = keys.indexOf(key.toLowerCase())
  return index < 0 ? undefined : index
}
