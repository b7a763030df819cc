/**
 * Entry: `run-faults.js [--jobs=N] [PART OF A FILE NAME …]` runs the tests of faults, all or those of some files, N files at a time, and prints
 * what was measured. When all have passed it writes the tables of docs/reliability.md; rows of files that were not run stay as they were. The
 * exit code is that of the tests.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { faultTestsOf, readDeclaredFaults } from './declared-faults.js'
import { readArguments } from '../processes/read-arguments.js'
import { type FaultRecord, RECORD_FOLDER, readFaultRecords } from './fault-record.js'
import {
  COMMIT,
  DURATION,
  NOT_MEASURED,
  formatDuration,
  joinCommits,
  readCircumstance,
  readDocumentedFaults,
  replaceFaultTables,
} from './fault-page.js'
import { readMachineFacts } from './machine-facts.js'
import { readProgramCommit } from './program-commit.js'

const PAGE = join('docs', 'reliability.md')
const FOLDER = join('test', 'faults')

/** Most rows wait for a time to pass, so one file more than processors keeps these busy. */
const DEFAULT_JOBS = availableParallelism() + 1

const USAGE = `npm run test:faults                                all tests of faults, and the tables: docs/reliability.md
npm run test:faults -- PART …                     only files with such a part in their names, such as ipvs-mode, and their rows
npm run test:faults -- --jobs N                   N files at a time (${DEFAULT_JOBS})
`

const { values, positionals: parts } = readArguments(
  { options: { jobs: { type: 'string' } }, allowPositionals: true },
  USAGE,
)
const jobs = Number(values.jobs ?? DEFAULT_JOBS)
if (!Number.isInteger(jobs) || jobs < 1) {
  process.stderr.write(`--jobs "${values.jobs}": expected the number of files to run at a time.\n`)
  process.exit(2)
}
const declared = readDeclaredFaults(FOLDER)
const files = [...new Set(declared.map(({ file }) => file))]
  .filter(file => parts.length === 0 || parts.some(part => file.includes(part)))
  .sort()
if (files.length === 0) {
  process.stderr.write(`No file in test/faults has "${parts.join('" or "')}" in its name.\n`)
  process.exit(2)
}
const facts = {
  date: new Date().toISOString().slice(0, 10),
  ...readMachineFacts(),
  'Node.js': process.version,
  'test files at a time': String(jobs),
}
const commit = readProgramCommit() ?? 'not a checkout'
const folder = mkdtempSync(join(tmpdir(), 'kube-proxy-node-faults-'))
try {
  const startedAt = performance.now()
  const exitCode = await runTests()
  const duration = formatDuration(performance.now() - startedAt)
  const records = readFaultRecords(folder)
  for (const { area, fault, lost, recovery } of records)
    process.stdout.write(`\n${area}: ${fault}\n    lost             ${lost}\n    time to recover  ${recovery}\n`)
  if (exitCode === 0) writeTables(records, duration)
  process.stdout.write(
    `\n${records.length} faults measured in ${duration}. ` +
      (exitCode === 0
        ? `The tables are in ${PAGE}.\n`
        : `Some tests failed: the tables in ${PAGE} stay as they were.\n`),
  )
  process.exitCode = exitCode
} finally {
  rmSync(folder, { recursive: true })
}

/** @returns the exit code */
async function runTests(): Promise<number> {
  const compiled = files
    .flatMap(file => faultTestsOf(FOLDER, file))
    .map(file => join('dist', FOLDER, file.replace(/\.ts$/, '.js')))
  const tests = spawn(process.execPath, [join('bin', 'test.mjs'), `--jobs=${jobs}`, ...compiled], {
    env: { ...process.env, [RECORD_FOLDER]: folder },
    stdio: 'inherit',
  })
  const [code] = (await once(tests, 'exit')) as [number | null]
  return code ?? 1
}

/**
 * A fault that was skipped has no record, and its row says so.
 * @param duration how long these tests took; that of the whole suite stays as it was if some files were not run, and so do the commits
 * of their rows
 */
function writeTables(records: readonly FaultRecord[], duration: string): void {
  const text = readFileSync(PAGE, 'utf8')
  const documented = readDocumentedFaults(text)
  const rows = declared.map(({ file, ...row }) => {
    const isSame = ({ area, fault }: FaultRecord) => area === row.area && fault === row.fault
    const known = records.find(isSame) ?? (files.includes(file) ? undefined : documented.find(isSame))
    return { ...row, lost: known?.lost ?? NOT_MEASURED, recovery: known?.recovery ?? NOT_MEASURED }
  })
  const isWhole = parts.length === 0
  const ofSuite = isWhole ? duration : (readCircumstance(text, DURATION) ?? NOT_MEASURED)
  const commits = joinCommits(isWhole ? undefined : (readCircumstance(text, COMMIT) ?? 'unknown'), commit)
  writeFileSync(PAGE, replaceFaultTables(text, rows, { ...facts, [COMMIT]: commits, [DURATION]: ofSuite }))
}
