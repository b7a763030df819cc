import { type Contender } from '../contenders/contender.js'
import { Terminal } from '../../../lib/terminal/terminal.js'
import { type Load } from '../loads/load.js'
import { type Progress } from '../run-loads.js'
import { formatErrors, buildLoadTable } from './load-table.js'
import { type LoadResult } from './results.js'
import { showStatus } from './status-line.js'

const TICK_MS = 1000

/** Shows a run on a terminal: the current contender, and a table after each load. In a pipe only the tables. */
export class TerminalProgress implements Progress {
  readonly #terminal = Terminal.forProcess()
  readonly #contenders: readonly Contender[]
  #ticking: NodeJS.Timeout | undefined

  constructor(contenders: readonly Contender[]) {
    this.#contenders = contenders
  }

  startLoad({ title, description }: Load): void {
    this.#terminal.printHeading(title)
    this.#terminal.printText(description)
  }

  startTurn({ title }: Contender, round: number, rounds: number): void {
    const startedAt = performance.now()
    const show = (): void => {
      const seconds = Math.round((performance.now() - startedAt) / 1000)
      showStatus(`round ${round} of ${rounds}: ${title}${seconds > 0 ? `, ${seconds} s` : ''}`)
    }
    clearInterval(this.#ticking)
    show()
    this.#ticking = setInterval(show, TICK_MS).unref()
  }

  finishLoad(load: Load, result: LoadResult): void {
    clearInterval(this.#ticking)
    showStatus('')
    this.#terminal.printTable(alignRight(buildLoadTable(load, result, this.#contenders)))
    for (const line of formatErrors(result, this.#contenders)) this.#terminal.printCheck(false, line)
  }
}

/** Aligns all columns except the first to the right. */
export function alignRight(rows: readonly (readonly string[])[]): string[][] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map(row => row[column]!.length)))
  return rows.map(row => row.map((cell, column) => (column === 0 ? cell : cell.padStart(widths[column]!))))
}
