import { Terminal } from '../../../../lib/terminal/terminal.js'
import { type ReliabilityCase } from '../cases/reliability-case.js'
import { type CaseResult } from '../reliability-results.js'
import { type Setup } from '../setups.js'
import { CASE_HEADINGS, formatCaseRow } from './case-row.js'

/** Prints the figures of each case while the others run. */
export class ReliabilityProgress {
  readonly #terminal = Terminal.forProcess()
  #lastCase = ''

  show({ figures, isKept }: CaseResult, { name, title, description }: ReliabilityCase, setup: Setup): void {
    if (name !== this.#lastCase) {
      this.#terminal.printHeading(title)
      this.#terminal.printText(description)
      this.#lastCase = name
    }
    const row = formatCaseRow(figures)
    const text = CASE_HEADINGS.map((heading, n) => `${heading}: ${row[n]}`).join('; ')
    if (setup.isJudged) this.#terminal.printCheck(isKept, `${setup.title}: ${text}`)
    else this.#terminal.printText(`${setup.title}: ${text}`)
  }
}
