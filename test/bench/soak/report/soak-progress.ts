import { Terminal } from '../../../../lib/demo/terminal.js'
import { numberText } from '../../report/number-text.js'
import { statusLine } from '../../report/status-line.js'
import { rightAligned } from '../../report/terminal-progress.js'
import { type ClientReport } from '../client/soak-client.js'
import { type SoakResults, type SoakSample, errorLinesOf } from '../soak-results.js'
import { type SoakVerdict, errorsOf } from './judge-soak.js'
import { growthTable, requestTable } from './soak-tables.js'

const LINE_SECONDS = 60

/** Shows a soak: on a terminal a line that changes every second, into a pipe a line every minute; at the end tables and the verdict. */
export class SoakProgress {
  readonly #terminal = Terminal.ofProcess()
  readonly #minutes: number
  #nextLine = 0

  constructor(minutes: number) {
    this.#minutes = minutes
  }

  begin(): void {
    this.#terminal.step(`${this.#minutes} minutes of TCP and UDP, while endpoints and Services come and go`)
  }

  sample({ at, control, workers }: SoakSample, { tallies }: ClientReport): void {
    const all = Object.values(tallies)
    const done = all.reduce((sum, tally) => sum + tally.done, 0)
    const errors = all.filter(({ mayFail }) => !mayFail).reduce((sum, tally) => sum + errorsOf(tally), 0)
    const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(0)
    const text =
      `${clock(at)} of ${clock(this.#minutes * 60)}   ${numberText(done, 0)} requests, ${errors} errors   ` +
      `${mib(control.rssBytes)} + ${mib(workers.rssBytes)} MiB, ${control.descriptors} + ${workers.descriptors} descriptors`
    if (process.stdout.isTTY) return statusLine(text)
    if (at < this.#nextLine) return
    this.#nextLine += LINE_SECONDS
    process.stdout.write(`${text}\n`)
  }

  end(results: SoakResults, { series, failures }: SoakVerdict): void {
    statusLine('')
    this.#terminal.table(rightAligned(requestTable(results)))
    this.#terminal.table(rightAligned(growthTable(series)))
    for (const { at, of, error } of results.noted.slice(0, 10))
      this.#terminal.say(`${new Date(at).toISOString()} ${of}: ${error}`)
    for (const line of errorLinesOf(results).slice(0, 10)) this.#terminal.say(line)
    for (const failure of failures) this.#terminal.verdict(false, failure)
    if (failures.length === 0) this.#terminal.verdict(true, 'no error, and nothing grows')
  }
}

function clock(seconds: number): string {
  const whole = Math.round(seconds)
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`
}
