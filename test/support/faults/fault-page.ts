import { type FaultRecord } from './fault-record.js'

/** The marks in docs/reliability.md between which the suite writes. */
const BEGIN = '<!-- written by npm run test:faults -->\n'
const END = '\n<!-- end -->'
/** In the place of a figure that no run has measured. */
export const NOT_MEASURED = 'not measured on this machine'
/** The circumstance that says what was measured. */
export const COMMIT = 'commit of the program'
/** The circumstance that says how long the whole suite took, as `formatDuration` writes it. */
export const DURATION = 'duration of the whole suite'

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

/** A circumstance of the document's figures, by its name. */
export function readCircumstance(text: string, name: string): string | undefined {
  const lines = splitAtMarks(text).written.split('\n')
  return lines.map(splitCells).find(([first]) => first === name)?.[1]
}

/**
 * The commits of the figures in the document.
 * @param documented those that it names already; undefined: all figures are new
 */
export function joinCommits(documented: string | undefined, measured: string): string {
  return [...new Set([...(documented?.split(', ') ?? []), measured])].join(', ')
}

/** A duration in milliseconds as text, such as `8 min 5 s`. */
export function formatDuration(ms: number): string {
  const seconds = Math.round(ms / 1000)
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
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
