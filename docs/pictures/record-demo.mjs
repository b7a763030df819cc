// Records `npm run demo` and draws it: docs/pictures/demo.svg, the picture in the README.
//
//   node docs/pictures/record-demo.mjs        or: npm run picture
//
// The demo runs for real, as root, in a pseudo-terminal that the program `script` (util-linux) opens. What it prints is what the
// picture shows; only the time is stretched, since the demo takes three seconds and a reader needs longer.
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { screenLines } from './screen-lines.mjs'
import { terminalSvg } from './terminal-svg.mjs'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const PICTURE = fileURLToPath(new URL('demo.svg', import.meta.url))
const COMMAND = 'npm run demo'
const COLUMNS = 100
const ROWS = 30
/** The step that the still picture shows up to its last line: "A Pod dies", and no request fails. */
const STILL_STEP = 5
/** The largest picture that a page should load, in bytes. */
const LARGEST = 200_000

/** How long the animation stops after a line, in seconds. */
const PAUSES = { typing: 1, line: 0.03, request: 0.12, check: 0.3, step: 1.8, end: 5 }

const lines = [...screenLines(`\x1b[2m$\x1b[0m \x1b[1m${COMMAND}\x1b[0m`, COLUMNS), ...recordedLines()]
const texts = lines.map(line => line.map(({ char }) => char).join(''))
const { times, duration } = pace(texts)
const svg = terminalSvg({
  lines,
  times,
  duration,
  still: endOfStep(texts, STILL_STEP),
  columns: COLUMNS,
  rows: ROWS,
  title: COMMAND,
  description: `A terminal that shows the demo, step by step: ${stepTitles(texts).join('; ')}.`,
})
if (svg.length > LARGEST) stop(`The picture has ${svg.length} bytes; at most ${LARGEST} are allowed.`)
writeFileSync(PICTURE, svg)
console.log(`${PICTURE}: ${lines.length} lines, ${duration} s, ${svg.length} bytes`)

/** Runs the demo. The set-up comes first, so that it does not appear in the picture. */
function recordedLines() {
  run('node', ['bin/setup.mjs'], 'inherit')
  const terminal = `stty cols ${COLUMNS} rows ${ROWS}; exec ${COMMAND}`
  const output = run(
    'script',
    ['--quiet', '--return', '--command', terminal, '/dev/null'],
    ['ignore', 'pipe', 'inherit'],
  )
  const recorded = screenLines(output, COLUMNS)
  while (recorded.at(-1)?.length === 0) recorded.pop()
  return recorded
}

function run(program, args, stdio) {
  const env = { ...process.env, FORCE_COLOR: undefined, NO_COLOR: undefined, TERM: 'xterm-256color' }
  const { status, stdout, error } = spawnSync(program, args, { cwd: ROOT, env, stdio, encoding: 'utf8' })
  if (error !== undefined) stop(`Cannot run "${program}": ${error.message}`)
  if (status !== 0) stop(`"${program} ${args.join(' ')}" ended with exit code ${status}.\n${stdout ?? ''}`)
  return stdout
}

/** When each line appears. A step stays for a while before the next one begins. */
function pace(texts) {
  const times = []
  let time = 0
  for (const [index, text] of texts.entries()) {
    if (isTitle(text) && !text.startsWith('1. ')) time += PAUSES.step
    times.push(round(time))
    if (index === 0) time += PAUSES.typing
    else if (/^ {2}\d+ /.test(text)) time += PAUSES.request
    else if (/^[✓✗] /.test(text)) time += PAUSES.check
    else time += PAUSES.line
  }
  return { times, duration: round(time + PAUSES.end) }
}

/** How many lines there are until a step has ended; all of them when there is no such step. */
function endOfStep(texts, number) {
  const start = texts.findIndex(text => text.startsWith(`${number}. `))
  const next = texts.findIndex((text, index) => index > start && isTitle(text))
  if (start === -1 || next === -1) return texts.length
  return texts.findLastIndex((text, index) => index < next && text !== '') + 1
}

function stepTitles(texts) {
  return texts.filter(isTitle).map(text => text.replace(/[\s─]+$/, '').replace(/^\d+\. /, ''))
}

function isTitle(text) {
  return /^\d+\. .*─$/.test(text)
}

function round(seconds) {
  return Number(seconds.toFixed(2))
}

function stop(message) {
  console.error(message)
  process.exit(1)
}
