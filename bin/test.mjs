// Runs the tests with tap, and says last what failed. tap's own output stays as it is: live on a terminal, TAP in a pipe.
// Tests that start a virtual machine come last, one at a time: an emulated processor needs the whole of a real one, and two machines at a
// time take as long as one after the other.
//
//   node bin/test.mjs [compiled test files] [options of tap]
//
// The last line is "N passed, N failed". The exit code is tap's.
import { spawn } from 'node:child_process'
import { createReadStream, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTapReport, printSummary } from './tap-report.mjs'

const ROOT = join(import.meta.dirname, '..')
/** Folders with compiled tests, as in .taprc. */
const FOLDERS = ['dist/test', 'dist/bench/test']

const args = process.argv.slice(2)
const options = args.filter(arg => arg.startsWith('-'))
const named = args.filter(arg => !arg.startsWith('-'))
const files = named.length > 0 ? named : FOLDERS.flatMap(testsIn)
const needsVm = file => file.endsWith('-in-vm.test.js')

// tap keeps the results of files that are gone; .ci/run reads those of this run.
rmSync(join(ROOT, '.tap', 'test-results'), { recursive: true, force: true })
const reports = []
const codes = [await runAll(files.filter(file => !needsVm(file))), await runAll(files.filter(needsVm), ['--jobs=1'])]
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
async function runAll(files, more = []) {
  if (files.length === 0) return 0
  const { parser, report, finished } = createTapReport()
  reports.push(report)
  const tapArgs = [...more, ...options, ...files]
  const code = await (process.stdout.isTTY ? runOnTerminal(tapArgs, parser) : runInPipe(tapArgs, parser))
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
    const code = await run(['--output-file', file, ...args], parser, 'inherit')
    if (existsSync(file)) for await (const chunk of createReadStream(file)) parser.write(chunk)
    parser.end()
    return code
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function runInPipe(args, parser) {
  return run(['--reporter=tap', ...args], parser, 'pipe')
}

function run(args, parser, stdout) {
  const tap = spawn(process.execPath, [tapProgram(), ...args], { stdio: ['ignore', stdout, 'inherit'] })
  tap.stdout?.on('data', chunk => {
    process.stdout.write(chunk)
    parser.write(chunk)
  })
  return new Promise(resolve => {
    tap.on('error', error => {
      process.stderr.write(`Cannot start tap: ${error.message}\n`)
      parser.end()
      resolve(1)
    })
    tap.on('close', (code, signal) => {
      if (stdout === 'pipe') parser.end()
      if (signal !== null) process.stderr.write(`tap was ended by ${signal}\n`)
      resolve(code ?? 1)
    })
  })
}

function tapProgram() {
  return join(ROOT, 'node_modules', 'tap', 'dist', 'esm', 'run.mjs')
}
