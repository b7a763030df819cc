import { type HappeningView } from '../../status/happening-view.js'
import { type TerminalStyle } from '../../terminal/terminal-style.js'
import { TextTable } from '../../terminal/text-table.js'
import { toCell } from '../status/status-kinds.js'
import { type TraceColumn, traceColumns } from './trace-columns.js'

/** A terminal with fewer columns gets shorter times, and columns that begin narrower. */
const NARROW = 100

/** Lines that come one after the other, aligned: one for each happening. */
export class TraceTable {
  readonly #columns: readonly TraceColumn[]
  readonly #table: TextTable

  constructor(style: TerminalStyle, { isWide, showsNamespace }: { isWide: boolean; showsNamespace: boolean }) {
    const isNarrow = style.columns < NARROW
    this.#columns = traceColumns(isWide, showsNamespace, isNarrow)
    const widths = this.#columns.map(({ widths: [narrow, usual] }) => (isNarrow ? narrow : usual))
    this.#table = new TextTable(style, { widths, isOneLine: true })
  }

  /** The line with the names of the columns. */
  head(): string[] {
    return this.#table.format([this.#columns.map(({ title }) => ({ text: title }))])
  }

  /** A line for each. */
  lines(happened: readonly HappeningView[]): string[] {
    return this.#table.format(happened.map(view => this.#columns.map(({ cell }) => toCell(cell(view, 0)))))
  }
}
