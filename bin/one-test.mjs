// Builds what changed and runs one test file, with the long time limit of the whole suite.
//
//   node bin/one-test.mjs FILE [--grep=PATTERN] [arguments of the file]      PATTERN: see test-filter.mjs
//
// FILE is a path (test/dataplane/tcp/tcp-proxy.test.ts), its compiled file in dist, or a part of a name that only one has.
// Prints one line for each test, then what failed. The exit code is the file's.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { basename, join, relative, resolve as resolvePath } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from './build.mjs'
import { createTapReport, printSummary } from './tap-report.mjs'
import { readTestFilter } from './test-filter.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
/** Folders with tests, and the part of the build that each needs. */
const FOLDERS = { test: 'test', bench: 'bench' }
const MAX_LEVEL = 2

const [asked, ...rest] = process.argv.slice(2)
if (asked === undefined || asked.startsWith('-')) stop('Which test? npm run one -- FILE [--grep=PATTERN]', 2)
const filter = readFilter(rest)
const file = findTest(asked)
const { status, output } = build(FOLDERS[file.split('/')[0]])
if (output !== '') process.stdout.write(`${output}\n`)
if (status !== 0) process.exit(1)
process.exit(await run(join('dist', file.replace(/\.ts$/, '.js'))))

function readFilter(args) {
  try {
    return readTestFilter(args)
  } catch (error) {
    return stop(error.message, 2)
  }
}

function findTest(name) {
  const path = relative(ROOT, resolvePath(name))
    .replace(/^dist\//, '')
    .replace(/\.js$/, '.ts')
  if (path.endsWith('.test.ts') && existsSync(join(ROOT, path))) return path
  const all = Object.keys(FOLDERS).flatMap(folder =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter(found => found.endsWith('.test.ts'))
      .map(found => `${folder}/${found}`),
  )
  const named = all.filter(found => found.includes(name))
  const exact = named.filter(found => basename(found, '.test.ts') === name)
  const matches = exact.length > 0 ? exact : named
  if (matches.length === 1) return matches[0]
  if (matches.length === 0) stop(`No test file is named "${name}".`, 2)
  return stop(`Several test files are named "${name}":\n  ${matches.join('\n  ')}`, 2)
}

async function run(compiled) {
  const { parser, report, finished } = createTapReport({ onTestEnd: printTest })
  const test = spawn(process.execPath, ['--enable-source-maps', compiled, ...filter.args], {
    cwd: ROOT,
    env: { TAP_TIMEOUT: timeLimit(), ...process.env, ...filter.env },
    stdio: ['inherit', 'pipe', 'inherit'],
  })
  test.stdout.on('data', chunk => parser.write(chunk))
  const code = await new Promise(resolve => {
    test.on('error', error => {
      process.stderr.write(`Cannot start ${compiled}: ${error.message}\n`)
      resolve(1)
    })
    test.on('close', (code, signal) => {
      if (signal !== null) process.stderr.write(`${compiled} was ended by ${signal}\n`)
      resolve(code ?? 1)
    })
  })
  parser.end()
  await finished
  if (code !== 0 && report.failures.length === 0)
    report.failures.push({ path: [file], diagnosis: { message: `ended with exit code ${code}` } })
  printSummary(report)
  return code
}

function printTest({ name, level, isOk, isSkipped, timeMs }) {
  if (level >= MAX_LEVEL) return
  const mark = isSkipped ? 'skip  ' : isOk ? 'ok    ' : 'FAILED'
  const time = timeMs === undefined ? '' : ` (${Math.round(timeMs)} ms)`
  process.stdout.write(`${mark} ${'  '.repeat(level)}${name}${time}\n`)
}

/** Seconds: tap's own limit for a file that is started by hand is 30. */
function timeLimit() {
  return /^timeout: (\d+)$/m.exec(readFileSync(join(ROOT, '.taprc'), 'utf8'))?.[1] ?? '900'
}

function stop(text, code) {
  process.stderr.write(`${text}\n`)
  process.exit(code)
}
