// Reads TAP while it is written, collects what failed, and prints a summary: bin/test.mjs and bin/one-test.mjs use it.
import { existsSync } from 'node:fs'
import { Parser } from 'tap-parser'

/** Lines of the diagnosis that the summary shows for one failure. */
const MAX_DIAGNOSIS_LINES = 14
/** Failures that the summary shows; the output above has them all. */
const MAX_FAILURES = 30
const MAX_LINE_LENGTH = 200
/** Parts of a diagnosis that say where and how, but not what went wrong. */
const SIDE_FACTS = [
  'at',
  'source',
  'stack',
  'compare',
  'diff',
  'stdio',
  'cwd',
  'command',
  'args',
  'jobId',
  'externalID',
]

/**
 * @typedef {{ path: string[], diagnosis: Record<string, unknown> | undefined }} Failure
 *   `path`: the file, the tests around the check, and the check
 * @typedef {{ passed: number, skipped: number, failures: Failure[] }} Report
 */

/** Whether the output may have colours: on a terminal, unless NO_COLOR forbids it. */
export const isColoured = process.stdout.isTTY === true && !process.env.NO_COLOR

/**
 * A stream to write TAP to. `report` is complete when `finished` has resolved.
 * @param {{ onTestEnd?: (test: { name: string, level: number, isOk: boolean, isSkipped: boolean, timeMs: number | undefined }) => void,
 *   onFailure?: (failure: Failure) => void }} options
 * @returns {{ parser: Parser, report: Report, finished: Promise<void> }}
 */
export function createTapReport({ onTestEnd, onFailure } = {}) {
  /** @type {Report} */
  const report = { passed: 0, skipped: 0, failures: [] }
  const parser = new Parser()
  const finished = new Promise(resolve => parser.on('complete', () => resolve()))
  follow(parser, [], 0)
  return { parser, report, finished }

  /** tap reports a file that took too long once more, apart from the file. */
  function addFailure(path, diagnosis) {
    const expired = path.length === 1 ? diagnosis?.expired : undefined
    if (expired !== undefined && report.failures.some(({ path: [file] }) => file === expired)) return
    const failure = { path: expired === undefined ? path : [expired, ...path], diagnosis }
    report.failures.push(failure)
    onFailure?.(failure)
  }

  /** A check that closes a test repeats what is inside; it counts where nothing inside failed, as after a crash. */
  function follow(parser, path, level) {
    /** @type {{ name: string, failuresBefore: number } | undefined} */
    let child
    parser.on('child', next => {
      child = { name: next.name, failuresBefore: report.failures.length }
      follow(next, [...path, next.name], level + 1)
    })
    parser.on('assert', ({ ok, name, skip, todo, diag, time }) => {
      const closed = child?.name === name ? child : undefined
      child = undefined
      if (closed !== undefined)
        onTestEnd?.({ name, level, isOk: ok || Boolean(todo), isSkipped: Boolean(skip), timeMs: time ?? undefined })
      if (skip || todo) report.skipped++
      else if (ok) report.passed += closed === undefined ? 1 : 0
      else if (closed === undefined || closed.failuresBefore === report.failures.length)
        addFailure([...path, name], diag ?? undefined)
    })
  }
}

/**
 * Prints what failed and how much passed; the last line is always "N passed, N failed".
 * @param {Report} report
 */
export function printSummary({ passed, skipped, failures }) {
  const lines = failures.length === 0 ? [] : ['', bold('What failed')]
  for (const failure of failures.slice(0, MAX_FAILURES)) lines.push('', ...describeFailure(failure))
  if (failures.length > MAX_FAILURES)
    lines.push('', `… and ${failures.length - MAX_FAILURES} more, see the output above`)
  lines.push('')
  if (skipped > 0) lines.push(`${skipped} skipped`)
  lines.push(`${passed} passed, ${failures.length} failed`, '')
  process.stdout.write(lines.join('\n'))
}

/** @param {Failure} failure */
export function describeFailure({ path, diagnosis = {} }) {
  const isFile = /\.test\.js$/.test(path[0] ?? '')
  const file = isFile ? sourceOf(path[0]) : undefined
  const [, ...names] = isFile ? path : ['', ...path]
  const { at, diff } = diagnosis
  const position = at?.fileName === undefined ? [] : [`at ${at.fileName}:${at.lineNumber}`]
  const facts = Object.entries(diagnosis).filter(([name]) => !SIDE_FACTS.includes(name))
  const text = [...facts.map(([name, value]) => `${name}: ${asText(value)}`), ...(diff === undefined ? [] : [diff])]
  const all = text
    .join('\n')
    .trimEnd()
    .split('\n')
    .filter(line => line !== '')
  const shown = all.slice(0, MAX_DIAGNOSIS_LINES)
  if (all.length > shown.length) shown.push(`… ${all.length - shown.length} more lines`)
  const title = [...(file === undefined ? [] : [file]), ...names].join(' › ')
  return [red(title), ...[...position, ...shown].map(line => `    ${line.slice(0, MAX_LINE_LENGTH)}`)]
}

/** `dist/test/a.test.js` is compiled from `test/a.test.ts`. */
function sourceOf(compiled) {
  const source = compiled.replace(/^dist\//, '').replace(/\.js$/, '.ts')
  return existsSync(source) ? source : compiled
}

function asText(value) {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function bold(text) {
  return isColoured ? `\x1b[1m${text}\x1b[0m` : text
}

function red(text) {
  return isColoured ? `\x1b[31m${text}\x1b[0m` : text
}
