import { Terminal } from '../../../../lib/terminal/terminal.js'
import { formatNumber } from '../../report/format-number.js'
import { showStatus } from '../../report/status-line.js'
import { alignRight } from '../../report/terminal-progress.js'
import { type ClientReport } from '../client/soak-client.js'
import { type SoakResults, type SoakSample, findErrorLines } from '../soak-results.js'
import { type SoakVerdict, countErrors } from './evaluate-soak.js'
import { buildGrowthTable, buildRequestTable } from './soak-tables.js'

const LINE_SECONDS = 60

/** Shows a soak: on a terminal a line that changes every second, in a pipe a line every minute; at the end tables and the verdict. */
export class SoakProgress {
  readonly #terminal = Terminal.forProcess()
  readonly #minutes: number
  #nextLine = 0

  constructor(minutes: number) {
    this.#minutes = minutes
  }

  start(): void {
    this.#terminal.printHeading(`${this.#minutes} minutes of TCP and UDP, while endpoints and Services come and go`)
  }

  showSample({ at, control, workers }: SoakSample, { tallies }: ClientReport): void {
    const all = Object.values(tallies)
    const done = all.reduce((sum, tally) => sum + tally.done, 0)
    const errors = all.filter(({ expectsErrors }) => !expectsErrors).reduce((sum, tally) => sum + countErrors(tally), 0)
    const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(0)
    const text =
      `${formatSeconds(at)} of ${formatSeconds(this.#minutes * 60)}   ${formatNumber(done, 0)} requests, ${errors} errors   ` +
      `${mib(control.rssBytes)} + ${mib(workers.rssBytes)} MiB, ${control.descriptors} + ${workers.descriptors} descriptors`
    if (process.stdout.isTTY) return showStatus(text)
    if (at < this.#nextLine) return
    this.#nextLine += LINE_SECONDS
    process.stdout.write(`${text}\n`)
  }

  finish(results: SoakResults, { series, failures }: SoakVerdict): void {
    showStatus('')
    this.#terminal.printTable(alignRight(buildRequestTable(results)))
    this.#terminal.printTable(alignRight(buildGrowthTable(series)))
    for (const { at, kind, error } of results.recordedErrors.slice(0, 10))
      this.#terminal.printText(`${new Date(at).toISOString()} ${kind}: ${error}`)
    for (const line of findErrorLines(results).slice(0, 10)) this.#terminal.printText(line)
    for (const failure of failures) this.#terminal.printCheck(false, failure)
    if (failures.length === 0) this.#terminal.printCheck(true, 'no error, and nothing grows')
  }
}

function formatSeconds(seconds: number): string {
  const whole = Math.round(seconds)
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`
}
