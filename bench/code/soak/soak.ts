/**
 * Runs the proxy under mixed load for a long time: `npm run soak [-- --minutes N]`, by default 30. Needs root. Everything runs in
 * its own network namespaces. Exit code 1 after an error, or if a resource grows.
 */
import { readFileSync } from 'node:fs'
import { namespacesUnavailable } from '../../../test/support/nodes/node-network.js'
import { readArguments } from '../../../test/support/processes/read-arguments.js'
import { CleanupStack } from '../cleanup-stack.js'
import { evaluateSoak } from './report/evaluate-soak.js'
import { SoakProgress } from './report/soak-progress.js'
import { writeSoakReport } from './report/write-soak-report.js'
import { runSoak } from './run-soak.js'
import { type SoakResults } from './soak-results.js'

/** Additional time for start and end, in milliseconds. */
const OVERHEAD_MS = 3 * 60_000
const CLEANUP_TIMEOUT_MS = 30_000
/** In a shorter soak the warm-up would end before the number of UDP flows is stable. */
const MIN_MINUTES = 2

const USAGE = `npm run soak                     30 minutes, and the report: docs/soak.md
npm run soak -- --minutes N      another time; below 30 the report is written elsewhere
npm run soak -- --report FILE    the report again, from the samples of an earlier soak
`

const OPTIONS = { minutes: { type: 'string', default: '30' }, report: { type: 'string' } } as const

const { values } = readArguments({ options: OPTIONS }, USAGE)
const minutes = Number(values.minutes)

if (!(minutes >= MIN_MINUTES)) {
  process.stderr.write(`A soak takes ${MIN_MINUTES} minutes at the least, not "${values.minutes}".\n\n${USAGE}`)
  process.exitCode = 2
} else if (values.report !== undefined) {
  printReport(JSON.parse(readFileSync(values.report, 'utf8')) as SoakResults)
} else if (namespacesUnavailable !== false) {
  process.stderr.write(`The soak ${namespacesUnavailable}.\n`)
  process.exitCode = 1
} else {
  await soak()
}

async function soak(): Promise<void> {
  const progress = new SoakProgress(minutes)
  progress.start()
  let results: SoakResults | undefined
  await CleanupStack.run(async t => {
    const limitMs = minutes * 60_000 + OVERHEAD_MS
    const overrun = new Promise<never>((_, reject) => {
      const fail = (): void => {
        reject(new Error(`The soak of ${minutes} minutes has not ended after ${limitMs / 60_000}`))
        // The same cause may block the clean-up too.
        setTimeout(() => process.exit(1), CLEANUP_TIMEOUT_MS).unref()
      }
      const timer = setTimeout(fail, limitMs)
      t.teardown(() => clearTimeout(timer))
    })
    const run = runSoak(t, minutes, (sample, report) => progress.showSample(sample, report))
    results = await Promise.race([run, overrun])
  })
  printReport(results!)
}

function printReport(results: SoakResults): void {
  const verdict = evaluateSoak(results)
  new SoakProgress(results.minutes).finish(results, verdict)
  process.stdout.write(`Written: ${writeSoakReport(results, verdict).join(', ')}\n`)
  if (verdict.failures.length > 0) process.exitCode = 1
}
