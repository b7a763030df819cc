// Starts tap for bin/test.mjs.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, createReadStream, existsSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { setPriority, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

const PROGRAM = join(import.meta.dirname, '..', 'node_modules', 'tap', 'dist', 'esm', 'run.mjs')
const OUTPUT_FILE = /^(?:--output-file=|-o)/

const running = new Set()
let isEnding = false

/**
 * Runs tap with its own report on the terminal. That report moves, so TAP goes to a file, and is read at the end.
 * @param {readonly string[]} options of the user
 * @returns {Promise<number>} the exit code
 */
export async function runTapOnTerminal(options, files, parser) {
  const folder = mkdtempSync(join(tmpdir(), 'kube-proxy-node-test-'))
  const file = readOutputFile(options) ?? join(folder, 'output.tap')
  try {
    const code = await run([...options, `--output-file=${file}`, ...files], 'inherit')
    if (existsSync(file)) for await (const chunk of createReadStream(file)) parser.write(chunk)
    parser.end()
    return code
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/**
 * Runs tap, and gives its TAP to `onText`.
 * @param {readonly string[]} options of the user; those that would send TAP elsewhere have no effect, except that of a file
 * @returns {Promise<number>} the exit code
 */
export async function runTapInPipe(options, files, parser, onText, priority) {
  const path = readOutputFile(options)
  const file = path === undefined ? undefined : openForOutput(path)
  const onData = text => {
    onText(text)
    parser.write(text)
    if (file !== undefined) writeSync(file, text)
  }
  // With a file and TAP, tap would print everything twice.
  const fixed = ['--reporter=tap', '--reporter-file=', '--output-file=']
  const code = await run([...options, ...fixed, ...files], 'pipe', { priority, onData })
  parser.end()
  if (file !== undefined) closeSync(file)
  return code
}

/** Ends every tap that runs, and resolves when all have ended. Each one ends the tests that run, and starts no more. */
export async function endTaps() {
  isEnding = true
  const ended = [...running].map(tap => once(tap, 'close'))
  for (const tap of running) tap.kill('SIGTERM')
  await Promise.all(ended)
}

/** @returns {string | undefined} the file that the last such option names */
function readOutputFile(options) {
  const path = options.findLast(option => OUTPUT_FILE.test(option))?.replace(OUTPUT_FILE, '')
  return path === '' ? undefined : path
}

function openForOutput(path) {
  mkdirSync(dirname(path), { recursive: true })
  return openSync(path, 'w')
}

function run(args, stdout, { priority, onData } = {}) {
  const tap = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', stdout, 'inherit'] })
  if (priority !== undefined && tap.pid !== undefined) setPriority(tap.pid, priority)
  running.add(tap)
  tap.stdout?.setEncoding('utf8').on('data', onData)
  return new Promise(resolve => {
    tap.on('error', error => {
      process.stderr.write(`Cannot start tap: ${error.message}\n`)
      running.delete(tap)
      resolve(1)
    })
    tap.on('close', (code, signal) => {
      if (signal !== null && !isEnding) process.stderr.write(`tap was ended by ${signal}\n`)
      running.delete(tap)
      resolve(code ?? 1)
    })
  })
}
