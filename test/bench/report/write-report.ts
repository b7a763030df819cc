import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { type Contender } from '../contenders/contender.js'
import { type Load } from '../loads/load.js'
import { markdown } from './markdown.js'
import { picture } from './picture.js'
import { type Results } from './results.js'

/** From the root of the repository, where npm runs scripts. */
const RESULTS = 'bench/results.json'
const PAGE = 'docs/benchmarks.md'
const PICTURE = 'docs/benchmarks.svg'

/** Keeps the results, and makes the page and the picture from them. @returns the paths of what was written */
export function writeReport(results: Results, loads: readonly Load[], contenders: readonly Contender[]): string[] {
  if (!existsSync('package.json')) throw new Error(`No package.json in "${process.cwd()}": run "npm run bench"`)
  mkdirSync('bench', { recursive: true })
  writeFileSync(RESULTS, `${JSON.stringify(results, undefined, 1)}\n`)
  writeFileSync(PICTURE, picture(results, loads, contenders))
  writeFileSync(PAGE, markdown(results, loads, contenders, 'benchmarks.svg'))
  return [RESULTS, PAGE, PICTURE]
}

/** The results of the last whole run. @throws Error when there was none */
export function readResults(): Results {
  if (!existsSync(RESULTS)) throw new Error(`There is no ${RESULTS} yet: "npm run bench" writes it`)
  return JSON.parse(readFileSync(RESULTS, 'utf8')) as Results
}
