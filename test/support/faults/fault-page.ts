import { type FaultRecord } from './fault-record.js'

/** The marks in docs/reliability.md between which the suite writes. */
const BEGIN = '<!-- written by npm run test:faults -->\n'
const END = '\n<!-- end -->'

/**
 * The document with the tables of these records in place of the ones that it had. Areas and rows are sorted by name.
 * @param facts about the machine and the run
 */
export function replaceFaultTables(
  text: string,
  records: readonly FaultRecord[],
  facts: Readonly<Record<string, string>>,
): string {
  const { before, after } = splitAtMarks(text)
  const areas = [...new Set(records.map(({ area }) => area))].sort()
  const tables = areas.map(area => {
    const rows = records.filter(record => record.area === area).sort((a, b) => (a.fault < b.fault ? -1 : 1))
    return [
      `### ${area}`,
      '',
      '| Fault | Promise | Lost | Time to recover |',
      '|---|---|---|---|',
      ...rows.map(row => joinCells([row.fault, row.promise, row.lost, row.recovery])),
    ].join('\n')
  })
  const circumstances = ['### Circumstances', '', '| | |', '|---|---|', ...Object.entries(facts).map(joinCells)].join(
    '\n',
  )
  return `${before}\n${[...tables, circumstances].join('\n\n')}\n${after}`
}

/** The rows of the document's tables. */
export function readDocumentedFaults(text: string): FaultRecord[] {
  const [, ...sections] = splitAtMarks(text).written.split(/^### /m)
  return sections.flatMap(section => {
    const [area, ...lines] = section.split('\n')
    const cells = lines.filter(line => line.startsWith('|')).map(splitCells)
    // The table of circumstances has two columns.
    return cells
      .slice(2)
      .flatMap(([fault, promise, lost, recovery]) =>
        recovery === undefined ? [] : [{ area: area!, fault: fault!, promise: promise!, lost: lost!, recovery }],
      )
  })
}

function splitAtMarks(text: string): { before: string; written: string; after: string } {
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)]
  if (begin < 0 || end < begin)
    throw new Error(`The document has no place between "${BEGIN.trim()}" and "${END.trim()}"`)
  const start = begin + BEGIN.length
  return { before: text.slice(0, start), written: text.slice(start, end), after: text.slice(end) }
}

function joinCells(cells: readonly string[]): string {
  return `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

/** The cells of a row. */
export function splitCells(line: string): string[] {
  return line
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map(cell => cell.trim().replaceAll('\\|', '|'))
}
