import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Suite } from '../suites/suite.js'
import { renderReport } from './markdown.js'
import { renderChart } from './chart.js'
import { type Results } from './results.js'

/** Writes the results, and the page and picture from them. @returns the paths of the written files */
export function writeReport(results: Results, suite: Suite): string[] {
  if (!existsSync('package.json')) throw new Error(`No package.json in "${process.cwd()}": run "npm run bench"`)
  const { page } = suite
  const files = [
    [page.results, `${JSON.stringify(results, undefined, 1)}\n`],
    [page.picture, renderChart(results, suite)],
    [page.path, renderReport(results, suite)],
  ] as const
  for (const [path, text] of files) {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
  return files.map(([path]) => path)
}

/** The results of the last full run. @throws Error if there are none */
export function readResults({ command, page }: Suite): Results {
  if (!existsSync(page.results)) throw new Error(`There is no ${page.results} yet: "${command}" writes it`)
  return JSON.parse(readFileSync(page.results, 'utf8')) as Results
}
