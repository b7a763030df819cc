// Runs the tests with tap, and says last what failed. tap's own output stays as it is: live on a terminal, TAP in a pipe.
//
//   node bin/test.mjs [arguments of tap]
//
// The last line is "N passed, N failed". The exit code is tap's.
import { spawn } from 'node:child_process'
import { createReadStream, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTapReport, printSummary } from './tap-report.mjs'

const ROOT = join(import.meta.dirname, '..')

// tap keeps the results of files that are gone; .ci/run reads those of this run.
rmSync(join(ROOT, '.tap', 'test-results'), { recursive: true, force: true })
const { parser, report, finished } = createTapReport()
const code = await (process.stdout.isTTY ? runOnTerminal() : runInPipe())
await finished
if (code !== 0 && report.failures.length === 0)
  report.failures.push({ path: ['the test runner'], diagnosis: { message: `tap ended with exit code ${code}` } })
printSummary(report)
process.exit(code === 0 && report.failures.length > 0 ? 1 : code)

/** The report that moves needs the terminal, so TAP goes to a file. */
async function runOnTerminal() {
  const folder = mkdtempSync(join(tmpdir(), 'kube-proxy-node-test-'))
  const file = join(folder, 'output.tap')
  try {
    const code = await run(['--output-file', file], 'inherit')
    if (!existsSync(file)) parser.end()
    else for await (const chunk of createReadStream(file)) parser.write(chunk)
    parser.end()
    return code
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function runInPipe() {
  return run(['--reporter=tap'], 'pipe')
}

function run(options, stdout) {
  const tap = spawn(process.execPath, [tapProgram(), ...options, ...process.argv.slice(2)], {
    stdio: ['ignore', stdout, 'inherit'],
  })
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
