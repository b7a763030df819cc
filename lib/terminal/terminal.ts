import { terminalStyle, toAscii } from './terminal-style.js'
import { breakText } from './text-table.js'
import { textWidth } from './text-width.js'

/** The widest text, in columns: longer lines are hard to read. Also the width when the output is not a terminal. */
const MAX_WIDTH = 96
/** Colours of Pods that are readable on a light and on a dark background. */
const PALETTE = [36, 35, 33, 32, 34, 31, 96, 95, 93, 92]
/** Spaces before the part of a line that does not fit. */
const CONTINUATION = ' '.repeat(8)
/** A last column needs so much room for sentences. */
const MIN_ROOM = 24

/** Prints the demo: headings, text, tables. Fits them to the width of the terminal; uses colour only where it is wanted. */
export class Terminal {
  readonly #write: (text: string) => void
  readonly #colour: boolean
  readonly #columns: number
  readonly #podColours = new Map<string, number>()
  #step = 0
  /** Whether the last output was an empty line. */
  #endsWithBlankLine = false

  /** @param columns width of the terminal @param isUnicode whether it shows more than ASCII */
  constructor(write: (text: string) => void, colour: boolean, columns = MAX_WIDTH, isUnicode = true) {
    this.#write = text => {
      this.#endsWithBlankLine = false
      write(isUnicode ? text : toAscii(text))
    }
    this.#colour = colour
    this.#columns = columns
  }

  /** @param needsUnicode whether the texts cannot be shown in ASCII, so that they are printed as they are */
  static forProcess(needsUnicode = false): Terminal {
    const { stdout } = process
    const { colour, columns, isUnicode } = terminalStyle(stdout)
    return new Terminal(text => stdout.write(text), colour, columns, isUnicode || needsUnicode)
  }

  /** Prints the heading of the next step. */
  printHeading(title: string): void {
    this.printTitle(`${++this.#step}. ${title}`)
  }

  /** Prints a heading without a number. */
  printTitle(title: string): void {
    const lines = breakText(title, this.#textWidth - 4)
    const rule = '─'.repeat(this.#textWidth - textWidth(lines.at(-1)!) - 1)
    const text = lines.map(line => this.#paint(1, line)).join('\n')
    this.#write(`\n${text} ${this.#paint(2, rule)}\n`)
  }

  /** Prints sentences, broken into lines. */
  printText(text: string): void {
    for (const line of breakText(text.trim().replaceAll(/\s+/g, ' '), this.#textWidth)) this.#write(`${line}\n`)
  }

  /** Prints a command as a user would type it. @param where to type it: after the command, or before it if there is no room */
  printCommand(text: string, where?: string): void {
    const command = `${this.#paint(2, '$')} ${this.#paint(1, text)}`
    if (where === undefined) return void this.#write(`${command}\n`)
    const note = this.#paint(2, `# ${where}`)
    const fits = textWidth(text) + textWidth(where) + 8 <= this.#textWidth
    this.#write(fits ? `${command}    ${note}\n` : `${note}\n${command}\n`)
  }

  /** Prints the output of a program. The last column of a line that does not fit, or its last words, go to the next line. */
  printOutput(text: string): void {
    for (const line of text.trimEnd().split('\n')) {
      const gap = 2 + line.length > this.#columns ? line.trimEnd().lastIndexOf('  ') : -1
      if (gap < 0 || line.slice(0, gap).trim() === '') this.#printLongLine(line)
      else this.#write(`  ${line.slice(0, gap).trimEnd()}\n${CONTINUATION}${line.slice(gap).trim()}\n`)
    }
  }

  /** The last cell on more lines: below itself if there is room for some words, else on lines of its own. */
  #breakLastCell(cells: readonly string[], last: string, room: number): string {
    const head = cells.slice(0, -1).join('   ')
    if (room < MIN_ROOM || !last.includes(' ')) return `${head.trimEnd()}\n${CONTINUATION}${cells.at(-1)}`
    return `${head}   ${breakText(last, room).join(`\n${' '.repeat(this.#columns - room)}`)}`
  }

  #printLongLine(line: string): void {
    if (2 + line.length <= this.#columns) return void this.#write(`  ${line}\n`)
    const [first = '', ...rest] = breakText(line.trimEnd(), this.#columns - CONTINUATION.length)
    this.#write([`  ${first}`, ...rest.map(part => CONTINUATION + part), ''].join('\n'))
  }

  /** Prints rows with aligned columns after an empty line; the first row is the heading. The last cell of a row that does not fit goes to the next line. */
  printTable(rows: readonly (readonly string[])[]): void {
    if (!this.#endsWithBlankLine) this.#write('\n')
    const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map(row => textWidth(row[column] ?? ''))))
    const lastStart = 2 + widths.slice(0, -1).reduce((sum, width) => sum + width + 3, 0)
    for (const [index, row] of rows.entries()) {
      const cells = row.map((cell, column) => {
        const padding = column < row.length - 1 ? widths[column]! - textWidth(cell) : 0
        return this.#paintPod(cell, cell + ' '.repeat(padding))
      })
      const last = row.at(-1) ?? ''
      const fits = row.length < 2 || lastStart + textWidth(last) <= this.#columns
      const line = fits ? cells.join('   ') : this.#breakLastCell(cells, last, this.#columns - lastStart)
      this.#write(`  ${index === 0 ? this.#paint(2, line) : line}`.trimEnd() + '\n')
    }
    this.#write('\n')
    this.#endsWithBlankLine = true
  }

  /** Prints what the demo has checked: in red with ✗ if it was not as expected. */
  printCheck(passed: boolean, text: string): void {
    const mark = passed ? this.#paint(32, '✓') : this.#paint(31, '✗')
    const lines = breakText(text, this.#columns - 2).map(line => (passed ? line : this.#paint(31, line)))
    this.#write(`${mark} ${lines.join('\n  ')}\n`)
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
