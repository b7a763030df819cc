import { readFileSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { type ReliabilityResults } from '../reliability-results.js'
import { renderReliabilityPicture } from './reliability-picture.js'
import { renderReliabilityTables } from './reliability-tables.js'

export const RESULTS_PATH = 'bench/results/reliability.json'
const PAGE_PATH = 'docs/reliability.md'
const PICTURE_PATH = 'docs/reliability.svg'
const BEGIN = '<!-- begin: npm run reliability -->'
const END = '<!-- end: npm run reliability -->'

/** Writes the results, the picture, and the measured part of the page. @returns the paths of the written files */
export function writeReliabilityReport(results: ReliabilityResults): string[] {
  const page = replaceMeasured(
    readFileSync(PAGE_PATH, 'utf8'),
    renderReliabilityTables(results, basename(PICTURE_PATH)),
  )
  const files = [
    [RESULTS_PATH, `${JSON.stringify(results)}\n`],
    [PICTURE_PATH, renderReliabilityPicture(results)],
    [PAGE_PATH, page],
  ] as const
  for (const [path, text] of files) writeFileSync(path, text)
  return files.map(([path]) => path)
}

/** Replaces the part of a page between the marks of this program. @throws Error if a mark is missing */
export function replaceMeasured(page: string, text: string): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)]
  if (begin < 0 || end < begin) throw new Error(`${PAGE_PATH} must contain "${BEGIN}" and then "${END}"`)
  return `${page.slice(0, begin + BEGIN.length)}\n\n${text}\n\n${page.slice(end)}`
}
