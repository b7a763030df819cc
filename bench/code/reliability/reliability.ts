/**
 * Measures what is lost when a proxy is updated, restarted or killed: `npm run reliability`. Needs root. Each case runs in network
 * namespaces of its own. Exit code 1 if a promise is broken.
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { namespacesUnavailable } from '../../../test/support/nodes/node-network.js'
import { RELIABILITY_CASES } from './cases/all-cases.js'
import { type ReliabilityResults } from './reliability-results.js'
import { ReliabilityProgress } from './report/reliability-progress.js'
import { RESULTS_PATH, writeReliabilityReport } from './report/write-reliability-report.js'
import { runReliability } from './run-reliability.js'
import { SETUPS } from './setups.js'

const USAGE = `npm run reliability                              all cases and setups, and the report: docs/reliability.md
npm run reliability -- --case NAME --setup NAME  only these, without a report; each may be repeated
npm run reliability -- --report                  the report again, from the results of the last full run

Cases:  ${RELIABILITY_CASES.map(({ name }) => name).join(', ')}
Setups: ${SETUPS.map(({ name }) => name).join(', ')}
`

const { values } = parseArgs({
  options: {
    case: { type: 'string', multiple: true, default: [] },
    setup: { type: 'string', multiple: true, default: [] },
    report: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
const unknown = [
  ...values.case.filter(name => !RELIABILITY_CASES.some(each => each.name === name)),
  ...values.setup.filter(name => !SETUPS.some(each => each.name === name)),
]

if (values.help || unknown.length > 0) {
  const wrong = unknown.map(name => `There is no case or setup "${name}".\n`).join('')
  process.stderr.write(`${wrong}${USAGE}`)
  process.exitCode = values.help ? 0 : 2
} else if (values.report) {
  printFiles(JSON.parse(readFileSync(RESULTS_PATH, 'utf8')) as ReliabilityResults)
} else if (namespacesUnavailable !== false) {
  process.stderr.write(`The benchmark ${namespacesUnavailable}.\n`)
  process.exitCode = 1
} else {
  const pick = <T extends { readonly name: string }>(all: readonly T[], names: readonly string[]): readonly T[] =>
    names.length === 0 ? all : all.filter(({ name }) => names.includes(name))
  const progress = new ReliabilityProgress()
  const results = await runReliability(
    pick(RELIABILITY_CASES, values.case),
    pick(SETUPS, values.setup),
    (result, each, setup) => progress.show(result, each, setup),
  )
  if (values.case.length === 0 && values.setup.length === 0) printFiles(results)
  if (results.results.some(({ isKept }) => !isKept)) process.exitCode = 1
}

function printFiles(results: ReliabilityResults): void {
  process.stdout.write(`Written: ${writeReliabilityReport(results).join(', ')}\n`)
}
