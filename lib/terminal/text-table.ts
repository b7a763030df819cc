import { escapeControls } from '../primitives/quote-value.js'
import { textWidth } from './text-width.js'
import { type TerminalStyle, toAscii } from './terminal-style.js'

/** The colours of cells. Each text says the same as its colour. */
const CELL_COLOURS = { good: 32, warning: 33, bad: 31, quiet: 2 } as const

/** One cell of a table. */
export interface TableCell {
  readonly text: string
  readonly colour?: keyof typeof CELL_COLOURS | undefined
}

/** How rows are laid out. */
export interface TextTableLayout {
  /** The least width of each column: rows that come one after the other stay aligned. */
  readonly widths?: readonly number[]
  /** Whether the last cell of a row that does not fit is cut, instead of going to the next line. */
  readonly isOneLine?: boolean
}

/** Spaces between columns: as in kubectl where they fit, else fewer. */
const GAPS = [3, 2, 1]
/** Spaces before the part of a row that goes to the next line. */
const CONTINUATION = ' '.repeat(4)

/** A last column of sentences needs so much room; a narrower one is not worth breaking a text for. */
const MIN_ROOM = 24
/** A cut text of fewer characters says nothing. */
const MIN_CUT = 8

/**
 * Rows with aligned columns, as kubectl prints them. Columns that were aligned once stay where they are, unless a later cell is longer.
 * On a terminal, the last cell of a row that does not fit goes to the next lines.
 */
export class TextTable {
  readonly #style: TerminalStyle
  readonly #isOneLine: boolean
  #widths: readonly number[]
  /** Whether the last column has texts that can be broken into lines. */
  #isBreakable = false

  constructor(style: TerminalStyle, { widths = [], isOneLine = false }: TextTableLayout = {}) {
    this.#style = style
    this.#widths = widths
    this.#isOneLine = isOneLine
  }

  /** The lines of more rows, without newlines. */
  format(rows: readonly (readonly TableCell[])[]): string[] {
    const shown = rows.map(row => row.map(cell => ({ ...cell, text: this.#textOf(cell) })))
    for (const row of shown) {
      this.#widths = row.map(({ text }, column) => Math.max(textWidth(text), this.#widths[column] ?? 0))
      this.#isBreakable ||= row.at(-1)?.text.includes(' ') === true
    }
    const gap = this.#chooseGap()
    return shown.flatMap(row => this.#formatRow(row, gap))
  }

  /** The widest gap with which all columns fit, or with which a last column of sentences has room. */
  #chooseGap(): number {
    const last = this.#widths.at(-1) ?? 0
    const needed = this.#isOneLine ? MIN_ROOM : this.#isBreakable ? Math.min(last, MIN_ROOM) : last
    const fitting = GAPS.find(gap => this.#startOfLast(gap) + needed <= this.#style.columns)
    return fitting ?? GAPS.at(this.#isOneLine ? -1 : 0)!
  }

  #startOfLast(gap: number): number {
    return this.#widths.slice(0, -1).reduce((sum, width) => sum + width + gap, 0)
  }

  #formatRow(row: readonly TableCell[], gap: number): string[] {
    const last = row.at(-1)
    if (last === undefined) return []
    const { columns } = this.#style
    const start = this.#startOfLast(gap)
    const head = row
      .slice(0, -1)
      .map(
        (cell, column) => this.#paint(cell, cell.text) + ' '.repeat(this.#widths[column]! - textWidth(cell.text) + gap),
      )
      .join('')
    if (row.length === 1 || start + textWidth(last.text) <= columns)
      return [`${head}${this.#paint(last, last.text)}`.trimEnd()]
    if (this.#isOneLine) return [`${head}${this.#paint(last, this.#cut(last.text, columns - start))}`.trimEnd()]
    // At least some words fit into the column: the text is broken there, else it begins on a line of its own.
    const room = columns - start
    if (room >= MIN_ROOM && last.text.includes(' ')) {
      const [first = '', ...rest] = breakText(last.text, room)
      return [`${head}${this.#paint(last, first)}`, ...rest.map(line => ' '.repeat(start) + this.#paint(last, line))]
    }
    const lines = breakText(last.text, Math.max(MIN_ROOM, columns - CONTINUATION.length))
    return [head.trimEnd(), ...lines.map(line => CONTINUATION + this.#paint(last, line))]
  }

  /** The start of a text. Without room for some characters, the terminal breaks the line. */
  #cut(text: string, room: number): string {
    const dots = this.#style.isUnicode ? '…' : '...'
    return text.length <= room || room < MIN_CUT ? text : text.slice(0, room - dots.length) + dots
  }

  #textOf({ text }: TableCell): string {
    const safe = escapeControls(text).replaceAll('\n', ' ')
    return this.#style.isUnicode ? safe : toAscii(safe)
  }

  #paint({ colour }: TableCell, text: string): string {
    return !this.#style.colour || colour === undefined ? text : `\x1b[${CELL_COLOURS[colour]}m${text}\x1b[0m`
  }
}

/** Breaks a text into lines between words; a word that is longer than a line stays whole. */
export function breakText(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && textWidth(line) + 1 + textWidth(word) > width) {
      lines.push(line)
      line = ''
    }
    line += line === '' ? word : ` ${word}`
  }
  return [...lines, line]
}
