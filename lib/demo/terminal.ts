import { wantsColour } from '../observe/klog.js'

const WIDTH = 96
/** Colours for Pods, told apart on light and dark ground alike. */
const PALETTE = [36, 35, 33, 32, 34, 31, 96, 95, 93, 92]

/** Writes the demo for a reader: titles, sentences, tables; colour only where it is wanted. */
export class Terminal {
  readonly #write: (text: string) => void
  readonly #colour: boolean
  readonly #podColours = new Map<string, number>()
  #step = 0
  /** Whether an empty line was written last. */
  #endsWithBlankLine = false

  constructor(write: (text: string) => void, colour: boolean) {
    this.#write = text => {
      this.#endsWithBlankLine = false
      write(text)
    }
    this.#colour = colour
  }

  static forProcess(): Terminal {
    return new Terminal(text => process.stdout.write(text), wantsColour(process.env, process.stdout.isTTY))
  }

  /** The title of the next step. */
  printHeading(title: string): void {
    const text = `${++this.#step}. ${title} `
    this.#write(`\n${this.#paint(1, text)}${this.#paint(2, '─'.repeat(Math.max(3, WIDTH - text.length)))}\n`)
  }

  /** Sentences, broken into lines. */
  printText(text: string): void {
    let line = ''
    for (const word of text.split(/\s+/)) {
      if (line !== '' && line.length + 1 + word.length > WIDTH) {
        this.#write(`${line}\n`)
        line = ''
      }
      line += line === '' ? word : ` ${word}`
    }
    this.#write(`${line}\n`)
  }

  /** What would be typed to see, or do, what follows. */
  printCommand(text: string): void {
    this.#write(`${this.#paint(2, '$')} ${this.#paint(1, text)}\n`)
  }

  /** Text as a program printed it. */
  printOutput(text: string): void {
    for (const line of text.trimEnd().split('\n')) this.#write(`  ${line}\n`)
  }

  /** Rows with aligned columns, after an empty line; the first is the heading. */
  printTable(rows: readonly (readonly string[])[]): void {
    if (!this.#endsWithBlankLine) this.#write('\n')
    const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0)))
    for (const [index, row] of rows.entries()) {
      const cells = row.map((cell, column) =>
        this.#paintPod(cell, cell.padEnd(column < row.length - 1 ? widths[column]! : 0)),
      )
      this.#write(`  ${index === 0 ? this.#paint(2, cells.join('   ')) : cells.join('   ')}`.trimEnd() + '\n')
    }
    this.#write('\n')
    this.#endsWithBlankLine = true
  }

  /** What was proven, or, in red, what should have been. */
  printCheck(good: boolean, text: string): void {
    this.#write(`${good ? this.#paint(32, '✓') : this.#paint(31, '✗')} ${good ? text : this.#paint(31, text)}\n`)
  }

  /** Gives a Pod a colour of its own, wherever its name stands in a table. */
  assignPodColour(name: string): void {
    if (!this.#podColours.has(name)) this.#podColours.set(name, PALETTE[this.#podColours.size % PALETTE.length]!)
  }

  #paintPod(name: string, text: string): string {
    const colour = this.#podColours.get(name)
    return colour === undefined ? text : this.#paint(colour, text)
  }

  #paint(code: number, text: string): string {
    return this.#colour ? `\x1b[${code}m${text}\x1b[0m` : text
  }
}
