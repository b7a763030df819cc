// Runs the tests with tap, and says last what failed. tap's own output stays as it is: live on a terminal, TAP in a pipe.
// Tests that start a virtual machine run beside the others, one at a time, since two machines at a time take as long as one after the other.
// They get the processor time that the others do not use: those mostly wait. Their TAP follows that of the others. Only a test of hand-overs
// waits for the end of all others.
//
//   node bin/test.mjs [compiled test files] [options of tap]
//
// The last line is "N passed, N failed". The exit code is tap's.
import { spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { createReadStream, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { constants, setPriority, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTapReport, printSummary } from './tap-report.mjs'

const ROOT = join(import.meta.dirname, '..')
/** Folders with compiled tests, as in .taprc. */
const FOLDERS = ['dist/test', 'dist/bench/test']
const BELOW_NORMAL = constants.priority.PRIORITY_BELOW_NORMAL

const args = process.argv.slice(2)
const options = args.filter(arg => arg.startsWith('-'))
const named = args.filter(arg => !arg.startsWith('-'))
const files = named.length > 0 ? named : FOLDERS.flatMap(testsIn)
const needsVm = file => file.endsWith('-in-vm.test.js')
/** Proxies wait for each other a fixed time, which is short for an emulated processor that others also use. */
const needsIdle = file => file.endsWith('/hand-over-between-modes-in-vm.test.js')

// tap keeps the results of files that are gone; .ci/run reads those of this run.
rmSync(join(ROOT, '.tap', 'test-results'), { recursive: true, force: true })
const reports = []
const beside = await startBeside(files.filter(file => needsVm(file) && !needsIdle(file)))
const codes = [
  await runAll(files.filter(file => !needsVm(file))),
  await beside.end(),
  await runAll(files.filter(needsIdle)),
]
printSummary({
  passed: reports.reduce((sum, { passed }) => sum + passed, 0),
  skipped: reports.reduce((sum, { skipped }) => sum + skipped, 0),
  failures: reports.flatMap(({ failures }) => failures),
})
process.exit(codes.find(code => code !== 0) ?? 0)

function testsIn(folder) {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.test.js'))
    .map(name => `${folder}/${name}`)
    .sort()
}

/** @returns {Promise<number>} the exit code */
function runAll(files) {
  return runReported(files, parser => {
    const tapArgs = [...options, ...files]
    return process.stdout.isTTY
      ? runOnTerminal(tapArgs, parser)
      : runInPipe(tapArgs, parser, chunk => process.stdout.write(chunk))
  })
}

/**
 * Starts tap at a low priority. Resolves when it has begun with the files: at its start, it removes what another tap writes.
 * @returns {Promise<{ end: () => Promise<number> }>} `end` waits for the end, and prints the output
 */
async function startBeside(files) {
  const output = []
  const signal = new EventEmitter()
  const begun = once(signal, 'output')
  const keep = chunk => {
    output.push(chunk)
    signal.emit('output')
  }
  const code = runReported(files, parser => runInPipe(['--jobs=1', ...options, ...files], parser, keep, BELOW_NORMAL))
  await Promise.race([begun, code])
  return {
    end: async () => {
      await code
      const text = Buffer.concat(output).toString()
      process.stdout.write(process.stdout.isTTY ? (text.match(/^(not )?ok .*\n/gm) ?? []).join('') : text)
      return code
    },
  }
}

/** @returns {Promise<number>} the exit code */
async function runReported(files, runTap) {
  if (files.length === 0) return 0
  const { parser, report, finished } = createTapReport()
  reports.push(report)
  const code = await runTap(parser)
  await finished
  if (code !== 0 && report.failures.length === 0)
    report.failures.push({ path: ['the test runner'], diagnosis: { message: `tap ended with exit code ${code}` } })
  return code === 0 && report.failures.length > 0 ? 1 : code
}

/** The report that moves needs the terminal, so TAP goes to a file. */
async function runOnTerminal(args, parser) {
  const folder = mkdtempSync(join(tmpdir(), 'kube-proxy-node-test-'))
  const file = join(folder, 'output.tap')
  try {
    const code = await run(['--output-file', file, ...args], 'inherit')
    if (existsSync(file)) for await (const chunk of createReadStream(file)) parser.write(chunk)
    parser.end()
    return code
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function runInPipe(args, parser, print, priority) {
  const code = await run(['--reporter=tap', ...args], 'pipe', {
    priority,
    onData(chunk) {
      print(chunk)
      parser.write(chunk)
    },
  })
  parser.end()
  return code
}

function run(args, stdout, { priority, onData } = {}) {
  const tap = spawn(process.execPath, [tapProgram(), ...args], { stdio: ['ignore', stdout, 'inherit'] })
  if (priority !== undefined && tap.pid !== undefined) setPriority(tap.pid, priority)
  tap.stdout?.on('data', onData)
  return new Promise(resolve => {
    tap.on('error', error => {
      process.stderr.write(`Cannot start tap: ${error.message}\n`)
      resolve(1)
    })
    tap.on('close', (code, signal) => {
      if (signal !== null) process.stderr.write(`tap was ended by ${signal}\n`)
      resolve(code ?? 1)
    })
  })
}

function tapProgram() {
  return join(ROOT, 'node_modules', 'tap', 'dist', 'esm', 'run.mjs')
}
