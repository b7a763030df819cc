import { type DoctorFinding, type DoctorRemark, type DoctorReport } from '../../doctor/doctor-report.js'
import { escapeControls } from '../../primitives/quote-value.js'
import { type TerminalStyle, toAscii } from '../../terminal/terminal-style.js'
import { TextTable, breakText } from '../../terminal/text-table.js'

/** Longer lines are hard to read. */
const MAX_TEXT_WIDTH = 96
const INDENT = '   '
const MARKS = { healthy: '✓', findings: '✗', unknown: '?' } as const
const COLOURS = { healthy: 32, findings: 31, unknown: 33 } as const

/** A report as lines for people: the verdict, the findings, and what is fine. @param isWide whether each fine thing has a line */
export function reportLines(report: DoctorReport, isWide: boolean, style: TerminalStyle): string[] {
  const page = new ReportPage(style)
  page.addVerdict(report)
  for (const [index, finding] of report.findings.entries()) page.addFinding(finding, index + 1)
  page.addRemarks('To be considered', report.remarks, 'warning')
  if (isWide) page.addRemarks('Checked and fine', report.fine, 'good')
  else if (report.fine.length > 0) {
    page.addGap()
    page.addText(`Checked and fine: ${report.fine.map(({ title }) => title).join(', ')}. -o wide says more.`, '')
  }
  page.addRemarks('Not looked at', report.unseen, 'warning')
  if (isWide) for (const note of report.notes) page.addText(`Note: ${note}.`, '')
  return page.lines
}

class ReportPage {
  readonly lines: string[] = []
  readonly #style: TerminalStyle

  constructor(style: TerminalStyle) {
    this.#style = style
  }

  addVerdict({ verdict, summary }: DoctorReport): void {
    this.addText(`${MARKS[verdict]} ${summary}.`, '', COLOURS[verdict])
  }

  addFinding({ verdict, proof, fix, code }: DoctorFinding, number: number): void {
    this.addGap()
    this.addText(`${number}. ${verdict}.`, INDENT, 1)
    for (const line of proof) this.addText(`${INDENT}• ${line}`, `${INDENT}  `)
    this.addText(`${INDENT}What to do (${code}):`, INDENT, 2)
    for (const line of fix) this.#addFix(line)
  }

  addRemarks(title: string, remarks: readonly DoctorRemark[], colour: 'good' | 'warning'): void {
    if (remarks.length === 0) return
    this.addGap()
    this.lines.push(this.#paint(1, `${title}:`))
    const rows = remarks.map(remark => [{ text: remark.title, colour }, { text: remark.text }])
    this.lines.push(...new TextTable(this.#style).format(rows))
  }

  addGap(): void {
    this.lines.push('')
  }

  /** @param indent of the further lines */
  addText(text: string, indent: string, colour?: number): void {
    const [, start = ''] = /^( *)/.exec(text) ?? []
    const width = Math.min(MAX_TEXT_WIDTH, this.#style.columns) - Math.max(indent.length, start.length)
    for (const [index, line] of breakText(this.#shown(text.slice(start.length)), width).entries()) {
      const whole = `${index === 0 ? start : indent}${line}`
      this.lines.push(colour === undefined ? whole : this.#paint(colour, whole))
    }
  }

  /** A command stays whole, so that it can be copied. */
  #addFix(text: string): void {
    if (isCommand(text)) this.lines.push(`${INDENT}$ ${this.#shown(text)}`)
    else this.addText(`${INDENT}- ${text}`, `${INDENT}  `)
  }

  #shown(text: string): string {
    const safe = escapeControls(text).replaceAll('\n', ' ')
    return this.#style.isUnicode ? safe : toAscii(safe)
  }

  #paint(code: number, text: string): string {
    return this.#style.colour ? `\x1b[${code}m${text}\x1b[0m` : text
  }
}

/** A sentence begins in upper case. */
function isCommand(text: string): boolean {
  return /^[a-z]/.test(text)
}
