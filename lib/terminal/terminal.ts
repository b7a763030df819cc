import { terminalStyle } from './terminal-style.js'
import { breakText } from './text-table.js'

/** The widest text, in columns: longer lines are hard to read. Also the width when the output is not a terminal. */
const MAX_WIDTH = 96
/** Colours of Pods that are readable on a light and on a dark background. */
const PALETTE = [36, 35, 33, 32, 34, 31, 96, 95, 93, 92]
/** Spaces before the part of a line that does not fit. */
const CONTINUATION = ' '.repeat(8)

/** Prints the demo: headings, text, tables. Fits them to the width of the terminal; uses colour only where it is wanted. */
export class Terminal {
  readonly #write: (text: string) => void
  readonly #colour: boolean
  readonly #columns: number
  readonly #podColours = new Map<string, number>()
  #step = 0
  /** Whether the last output was an empty line. */
  #endsWithBlankLine = false

  /** @param columns width of the terminal */
  constructor(write: (text: string) => void, colour: boolean, columns = MAX_WIDTH) {
    this.#write = text => {
      this.#endsWithBlankLine = false
      write(text)
    }
    this.#colour = colour
    this.#columns = columns
  }

  static forProcess(): Terminal {
    const { stdout } = process
    const { colour, columns } = terminalStyle(stdout)
    return new Terminal(text => stdout.write(text), colour, columns)
  }

  /** Prints the heading of the next step. */
  printHeading(title: string): void {
    const text = `${++this.#step}. ${title} `
    this.#write(`\n${this.#paint(1, text)}${this.#paint(2, '─'.repeat(Math.max(3, this.#textWidth - text.length)))}\n`)
  }

  /** Prints sentences, broken into lines. */
  printText(text: string): void {
    for (const line of breakText(text.trim().replaceAll(/\s+/g, ' '), this.#textWidth)) this.#write(`${line}\n`)
  }

  /** Prints a command as a user would type it. */
  printCommand(text: string): void {
    this.#write(`${this.#paint(2, '$')} ${this.#paint(1, text)}\n`)
  }

  /** Prints the output of a program. The last column of a line that does not fit goes to the next line. */
  printOutput(text: string): void {
    for (const line of text.trimEnd().split('\n')) {
      const gap = 2 + line.length > this.#columns ? line.trimEnd().lastIndexOf('  ') : -1
      if (gap < 0 || line.slice(0, gap).trim() === '') this.#write(`  ${line}\n`)
      else this.#write(`  ${line.slice(0, gap).trimEnd()}\n${CONTINUATION}${line.slice(gap).trim()}\n`)
    }
  }

  /** Prints rows with aligned columns after an empty line; the first row is the heading. The last cell of a row that does not fit goes to the next line. */
  printTable(rows: readonly (readonly string[])[]): void {
    if (!this.#endsWithBlankLine) this.#write('\n')
    const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0)))
    const lastStart = 2 + widths.slice(0, -1).reduce((sum, width) => sum + width + 3, 0)
    for (const [index, row] of rows.entries()) {
      const cells = row.map((cell, column) =>
        this.#paintPod(cell, cell.padEnd(column < row.length - 1 ? widths[column]! : 0)),
      )
      const last = row.at(-1) ?? ''
      const fits = row.length < 2 || lastStart + last.length <= this.#columns
      const line = fits
        ? cells.join('   ')
        : `${cells.slice(0, -1).join('   ').trimEnd()}\n${CONTINUATION}${cells.at(-1)}`
      this.#write(`  ${index === 0 ? this.#paint(2, line) : line}`.trimEnd() + '\n')
    }
    this.#write('\n')
    this.#endsWithBlankLine = true
  }

  /** Prints what the demo has checked: in red with ✗ if it was not as expected. */
  printCheck(passed: boolean, text: string): void {
    this.#write(`${passed ? this.#paint(32, '✓') : this.#paint(31, '✗')} ${passed ? text : this.#paint(31, text)}\n`)
  }

  /** Gives a Pod a colour for its name in all tables. */
  assignPodColour(name: string): void {
    if (!this.#podColours.has(name)) this.#podColours.set(name, PALETTE[this.#podColours.size % PALETTE.length]!)
  }

  get #textWidth(): number {
    return Math.min(MAX_WIDTH, this.#columns)
  }

  #paintPod(name: string, text: string): string {
    const colour = this.#podColours.get(name)
    return colour === undefined ? text : this.#paint(colour, text)
  }

  #paint(code: number, text: string): string {
    return this.#colour ? `\x1b[${code}m${text}\x1b[0m` : text
  }
}
