import { parseArgs } from 'node:util'
import { Terminal } from '../../lib/demo/terminal.js'
import { cannotUseNamespaces } from '../support/node-network.js'
import { ALL_CONTENDERS } from './contenders/all-contenders.js'
import { Ending } from './ending.js'
import { ALL_LOADS } from './loads/all-loads.js'
import { LOAD_GENERATORS, circumstancesNow } from './report/circumstances.js'
import { type LoadResult, type Results } from './report/results.js'
import { targetTable } from './report/target-table.js'
import { TerminalProgress, rightAligned } from './report/terminal-progress.js'
import { readResults, writeReport } from './report/write-report.js'
import { runLoads } from './run-loads.js'

const ROUNDS = 5
/** What the length of a sample is multiplied with for a quick look. */
const QUICK = 0.4

const USAGE = `npm run bench                     all loads, and the report: docs/benchmarks.md
npm run bench -- NAME…            some loads, shown only, of:
                                  ${ALL_LOADS.map(({ name }) => name).join('\n                                  ')}
npm run bench -- report           the report again, from the results of the last whole run
npm run bench -- lossless | programming | rules | micro
                                  this proxy alone, without others to compare

  --rounds N         turns of each contender at each load (${ROUNDS})
  --only NAME,…      these contenders only, of: ${ALL_CONTENDERS.map(({ name }) => name).join(', ')}
  --quick            short samples, for a look: their numbers say little
`

/** Compares this proxy with others. @returns the exit code */
export async function compare(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: String(ROUNDS) },
      only: { type: 'string' },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (positionals.join() === 'report') return show(writeReport(readResults(), ALL_LOADS, ALL_CONTENDERS))
  const rounds = Number(values.rounds)
  const only = values.only?.split(',')
  const wrong = [
    ...positionals.filter(name => !ALL_LOADS.some(load => load.name === name)).map(name => `no benchmark "${name}"`),
    ...(only ?? [])
      .filter(name => !ALL_CONTENDERS.some(contender => contender.name === name))
      .map(name => `no contender "${name}"`),
    ...(Number.isInteger(rounds) && rounds > 0 ? [] : [`no number of rounds "${values.rounds}"`]),
  ]
  if (values.help || wrong.length > 0) {
    if (wrong.length > 0) process.stderr.write(`There is ${wrong.join(' and ')}.\n\n`)
    process.stderr.write(USAGE)
    return wrong.length > 0 ? 2 : 0
  }
  if (cannotUseNamespaces !== false) {
    process.stderr.write(`The benchmark ${cannotUseNamespaces}.\n`)
    return 1
  }
  const all = positionals.length === 0 && only === undefined && !values.quick
  return run(positionals, only, rounds, values.quick ? QUICK : 1, all)
}

async function run(
  names: readonly string[],
  only: readonly string[] | undefined,
  rounds: number,
  haste: number,
  isWhole: boolean,
): Promise<number> {
  const asked = ALL_CONTENDERS.filter(({ name }) => only?.includes(name) !== false)
  const missing = Object.fromEntries(
    asked.flatMap(contender => {
      const why = contender.missing()
      return why === undefined ? [] : [[contender.name, why]]
    }),
  ) as Results['missing']
  for (const { name, title } of asked)
    if (missing[name] !== undefined) process.stderr.write(`Without ${title}: ${missing[name]}.\n`)
  const contenders = asked.filter(({ name }) => missing[name] === undefined)
  const loads = names.length === 0 ? ALL_LOADS : ALL_LOADS.filter(({ name }) => names.includes(name))
  const circumstances = circumstancesNow(contenders, LOAD_GENERATORS)
  const started = performance.now()
  let loadResults: LoadResult[] = []
  await Ending.around(async t => {
    const progress = new TerminalProgress(contenders, rounds)
    loadResults = await runLoads(t, { loads, contenders, rounds, haste }, progress)
  })
  const seconds = Math.round((performance.now() - started) / 1000)
  const results = { circumstances, rounds, seconds, missing, loads: loadResults }
  const terminal = Terminal.ofProcess()
  if (isWhole) terminal.table(rightAligned(targetTable(results, loads, ALL_CONTENDERS)))
  terminal.say(`${seconds} s in all.`)
  if (isWhole) return show(writeReport(results, ALL_LOADS, ALL_CONTENDERS))
  terminal.say('Shown only: the report is written by a whole run, "npm run bench" without arguments.')
  return 0
}

function show(paths: readonly string[]): number {
  process.stdout.write(`Written: ${paths.join(', ')}\n`)
  return 0
}
