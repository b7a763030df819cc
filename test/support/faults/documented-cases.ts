import { splitCells } from './fault-page.js'

const HEADING = '\n## Cases from the field\n'

/** A fault that users have met, as the document has it. */
export interface DocumentedCase {
  /** Such as `A1`. */
  readonly id: string
  readonly promise: string
  readonly tests: readonly {
    /** Its path in the folder of tests. */
    readonly file: string
    /** Parts of the names of tests. */
    readonly names: readonly string[]
  }[]
}

/** The cases of docs/reliability.md. In the last column, a test is a file in backquotes, a colon, and names in quotation marks. */
export function readDocumentedCases(page: string): DocumentedCase[] {
  const section = page.split(HEADING)[1]?.split('\n## ')[0] ?? ''
  const rows = section.split('\n').filter(line => line.startsWith('|'))
  return rows.slice(2).map(row => {
    const [fault, promise, tests] = splitCells(row)
    return {
      id: fault!.split(':')[0]!,
      promise: promise!,
      tests: [...tests!.matchAll(/`([^`]+)`: ((?:"[^"]+"(?:, )?)+)/g)].map(([, file, names]) => ({
        file: file!,
        names: [...names!.matchAll(/"([^"]+)"/g)].map(([, name]) => name!),
      })),
    }
  })
}

/** The numbers of all cases in the list that this project was given. */
export function readCaseNumbers(list: string): string[] {
  return [...list.matchAll(/^\| ([A-Z]\d+) \|/gm)].map(([, id]) => id!)
}
