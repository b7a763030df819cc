import { type Contender } from '../contenders/contender.js'
import { Terminal } from '../../../lib/demo/terminal.js'
import { type Load } from '../loads/load.js'
import { type Progress } from '../run-loads.js'
import { errorLines, loadTable } from './load-table.js'
import { type LoadResult } from './results.js'
import { statusLine } from './status-line.js'

/** Shows a run on a terminal: whose turn it is, and a table when a load is through. Into a pipe: the tables only. */
export class TerminalProgress implements Progress {
  readonly #terminal = Terminal.ofProcess()
  readonly #contenders: readonly Contender[]
  readonly #rounds: number

  constructor(contenders: readonly Contender[], rounds: number) {
    this.#contenders = contenders
    this.#rounds = rounds
  }

  load({ title, about }: Load): void {
    this.#terminal.step(title)
    this.#terminal.say(about)
  }

  turn(_: Load, { title }: Contender, round: number): void {
    statusLine(`round ${round} of ${this.#rounds}: ${title}`)
  }

  done(load: Load, result: LoadResult): void {
    statusLine('')
    this.#terminal.table(rightAligned(loadTable(load, result, this.#contenders)))
    for (const line of errorLines(result, this.#contenders)) this.#terminal.verdict(false, line)
  }
}

/** All columns but the first with their ends below each other. */
export function rightAligned(rows: readonly (readonly string[])[]): string[][] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map(row => row[column]!.length)))
  return rows.map(row => row.map((cell, column) => (column === 0 ? cell : cell.padStart(widths[column]!))))
}
