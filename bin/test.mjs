// Runs the tests with tap, and says last what failed. tap's own output stays as it is: live on a terminal, TAP in a pipe.
// Tests that start a virtual machine run beside the others, one at a time, since two machines at a time take as long as one after the other.
// They get the processor time that the others do not use: those mostly wait. Their TAP follows that of the others; comments in that say
// at once what failed. Tests that count losses in real time wait for the end of all others.
//
//   node bin/test.mjs [compiled test files] [options of tap]
//
// The last line is "N passed, N failed", also after SIGINT and SIGTERM. The exit code is tap's.
import { EventEmitter, once } from 'node:events'
import { readdirSync, rmSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { planRuns } from './plan-runs.mjs'
import { endTaps, runTapInPipe, runTapOnTerminal } from './run-tap.mjs'
import { createTapOutput } from './tap-output.mjs'
import { createTapReport, describeFailure, printSummary } from './tap-report.mjs'

const ROOT = join(import.meta.dirname, '..')
/** Folders with compiled tests, as in .taprc. */
const FOLDERS = ['dist/test', 'dist/bench/test']
const BELOW_NORMAL = constants.priority.PRIORITY_BELOW_NORMAL
const ONE_AT_A_TIME = '--jobs=1'
/** Of several taps, only one can write to the file that the user asks for. */
const NO_OUTPUT_FILE = '--output-file='

const args = process.argv.slice(2)
const options = args.filter(arg => arg.startsWith('-'))
const named = args.filter(arg => !arg.startsWith('-'))
const { main, beside, alone } = planRuns(named.length > 0 ? named : FOLDERS.flatMap(testsIn))
const reports = []
const output = createTapOutput(text => process.stdout.write(text))

// tap keeps the results of files that are gone; .ci/run reads those of this run.
rmSync(join(ROOT, '.tap', 'test-results'), { recursive: true, force: true })
let isOver = false
const besideRun = startBeside(beside)
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => void endEarly(signal))
await besideRun.begun
const codes = [
  await runAll(main, options),
  await besideRun.end(),
  await runAll(alone, [...options, ONE_AT_A_TIME, ...(main.length > 0 ? [NO_OUTPUT_FILE] : [])]),
]
if (!isOver) {
  printReports()
  process.exit(codes.find(code => code !== 0) ?? 0)
}

function testsIn(folder) {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.test.js'))
    .map(name => `${folder}/${name}`)
    .sort()
}

/** @returns {Promise<number>} the exit code */
async function runAll(files, options) {
  const code = await runReported(files, parser =>
    process.stdout.isTTY
      ? runTapOnTerminal(options, files, parser)
      : runTapInPipe(options, files, parser, text => isOver || output.write(text)),
  )
  if (!isOver) output.end()
  return code
}

/**
 * Starts tap at a low priority.
 * @returns {{ begun: Promise<unknown>, print: () => void, end: () => Promise<number> }} `begun` resolves when it has begun with the files: at
 *   its start, it removes what another tap writes. `print` prints what there is; `end` prints the rest as it comes, and waits for the end
 */
function startBeside(files) {
  const isOnTerminal = process.stdout.isTTY
  const signal = new EventEmitter()
  const started = once(signal, 'output')
  let kept = ''
  let isLive = false
  const print = () => {
    process.stdout.write(isOnTerminal ? (kept.match(/^(not )?ok .*\n/gm) ?? []).join('') : kept)
    kept = ''
  }
  const onText = text => {
    kept += text
    if (isLive && !isOver) print()
    signal.emit('output')
  }
  const onFailure = failure => {
    const [title, ...details] = describeFailure(failure)
    if (!isOnTerminal && !isLive && !isOver) output.comment([`Failed beside these: ${title}`, ...details])
  }
  const allOptions = [...options, ONE_AT_A_TIME, NO_OUTPUT_FILE]
  const code = runReported(files, parser => runTapInPipe(allOptions, files, parser, onText, BELOW_NORMAL), onFailure)
  return {
    begun: Promise.race([started, code]),
    print,
    async end() {
      // On a terminal only complete lines are of use.
      isLive = !isOnTerminal
      if (isLive && !isOver) print()
      await code
      if (!isOver) print()
      return code
    },
  }
}

/** @returns {Promise<number>} the exit code */
async function runReported(files, runTap, onFailure) {
  if (files.length === 0 || isOver) return 0
  const { parser, report, finished } = createTapReport({ onFailure })
  reports.push(report)
  const code = await runTap(parser)
  await finished
  if (code !== 0 && report.failures.length === 0)
    report.failures.push({ path: ['the test runner'], diagnosis: { message: `tap ended with exit code ${code}` } })
  return code === 0 && report.failures.length > 0 ? 1 : code
}

/** Prints what there is: what ended the tests may not wait for long. */
async function endEarly(signal) {
  isOver = true
  output.end()
  process.stdout.write('\n')
  besideRun.print()
  process.stdout.write(`\nEnded by ${signal} before all tests had run\n`)
  printReports()
  await endTaps()
  process.exit(128 + constants.signals[signal])
}

function printReports() {
  printSummary({
    passed: reports.reduce((sum, { passed }) => sum + passed, 0),
    skipped: reports.reduce((sum, { skipped }) => sum + skipped, 0),
    failures: reports.flatMap(({ failures }) => failures),
  })
}
