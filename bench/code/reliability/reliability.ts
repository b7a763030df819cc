/**
 * Measures what is lost when a proxy is updated, restarted or killed: `npm run reliability`. Needs root. Each case runs in network
 * namespaces of its own. Exit code 1 if a promise is broken.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { messageOf } from '../../../lib/model/failure.js'
import { namespacesUnavailable } from '../../../test/support/nodes/node-network.js'
import { isInVm, vmUnavailable } from '../../../test/support/nodes/virtual-machine.js'
import { readArguments } from '../../../test/support/processes/read-arguments.js'
import { RELIABILITY_CASES } from './cases/all-cases.js'
import { LOAD_OF_VM } from './load/load-size.js'
import { runReliabilityInVm } from './reliability-in-vm.js'
import { type ReliabilityResults, addMissing, addVmRun } from './reliability-results.js'
import { ReliabilityProgress } from './report/reliability-progress.js'
import { RESULTS_PATH, writeReliabilityReport } from './report/write-reliability-report.js'
import { runReliability } from './run-reliability.js'
import { IPVS_SETUP, SETUPS } from './setups.js'

const USAGE = `npm run reliability                              all cases and setups, and the report: docs/reliability.md
npm run reliability -- --case NAME --setup NAME  only these, without a report; each may be repeated
npm run reliability -- --setup ipvs              all cases of the setup that may need a virtual machine; if it does, its part of the report
npm run reliability -- --report                  the report again, from the results of the last full run

Cases:  ${RELIABILITY_CASES.map(({ name }) => name).join(', ')}
Setups: ${SETUPS.map(({ name }) => name).join(', ')}
`

const OPTIONS = {
  case: { type: 'string', multiple: true, default: [] as string[] },
  setup: { type: 'string', multiple: true, default: [] as string[] },
  /** A file for the results, in a virtual machine: no report is written. */
  results: { type: 'string' },
  report: { type: 'boolean', default: false },
} as const

const { values } = readArguments({ options: OPTIONS }, USAGE)
const unknown = [
  ...values.case.filter(name => !RELIABILITY_CASES.some(each => each.name === name)),
  ...values.setup.filter(name => !SETUPS.some(each => each.name === name)),
]

if (unknown.length > 0) {
  const wrong = unknown.map(name => `There is no case or setup "${name}".\n`).join('')
  process.stderr.write(`${wrong}${USAGE}`)
  process.exitCode = 2
} else if (values.report) {
  printFiles(readResults())
} else if (namespacesUnavailable !== false) {
  process.stderr.write(`The benchmark ${namespacesUnavailable}.\n`)
  process.exitCode = 1
} else {
  await measure()
}

async function measure(): Promise<void> {
  const pick = <T extends { readonly name: string }>(all: readonly T[], names: readonly string[]): readonly T[] =>
    names.length === 0 ? all : all.filter(({ name }) => names.includes(name))
  const setups = pick(SETUPS, values.setup)
  const needsVm = setups.includes(IPVS_SETUP) && IPVS_SETUP.unavailableReason() !== undefined
  const usesVm = needsVm && !isInVm && vmUnavailable === false
  const here = usesVm ? setups.filter(setup => setup !== IPVS_SETUP) : setups
  const progress = new ReliabilityProgress()
  const ofHere =
    here.length === 0
      ? undefined
      : await runReliability(pick(RELIABILITY_CASES, values.case), here, (result, each, setup) =>
          progress.show(result, each, setup),
        )
  const inVm = usesVm ? await measureInVm() : undefined
  const ofVm = typeof inVm === 'string' ? undefined : inVm
  const hasResults = ofHere !== undefined || ofVm !== undefined
  const isWhole = values.case.length === 0 && (values.setup.length === 0 || ofHere === undefined) && hasResults
  if (values.results !== undefined) writeFileSync(values.results, JSON.stringify(ofHere))
  else if (isWhole) {
    const others = ofHere ?? readResults()
    if (typeof inVm === 'string') printFiles(addMissing(others, IPVS_SETUP.title, inVm))
    else if (inVm === undefined) printFiles(others)
    else printFiles(addVmRun(others, inVm, { [IPVS_SETUP.name]: IPVS_SETUP.title }, LOAD_OF_VM))
  }
  const all = [...(ofHere?.results ?? []), ...(ofVm?.results ?? [])]
  // A virtual machine only passes on whether the program has worked.
  if (values.results === undefined && all.some(({ isKept }) => !isKept)) process.exitCode = 1
}

/** @returns why it has failed, or the results: those of the node count all the same */
async function measureInVm(): Promise<ReliabilityResults | string> {
  try {
    return await runReliabilityInVm(values.case, [IPVS_SETUP.name])
  } catch (error) {
    const reason = `nothing was measured in the virtual machine: ${messageOf(error)}`
    process.stderr.write(`Without ${IPVS_SETUP.title}: ${reason}\n`)
    process.exitCode = 1
    return reason
  }
}

function readResults(): ReliabilityResults {
  return JSON.parse(readFileSync(RESULTS_PATH, 'utf8')) as ReliabilityResults
}

function printFiles(results: ReliabilityResults): void {
  process.stdout.write(`Written: ${writeReliabilityReport(results).join(', ')}\n`)
}
