import { parseArgs } from 'node:util'
import { Terminal } from '../../lib/demo/terminal.js'
import { cannotUseNamespaces } from '../support/node-network.js'
import { Ending } from './ending.js'
import { type Load } from './loads/load.js'
import { circumstancesNow } from './report/circumstances.js'
import { type LoadResult, type Results } from './report/results.js'
import { targetTable } from './report/target-table.js'
import { TerminalProgress, rightAligned } from './report/terminal-progress.js'
import { readResults, writeReport } from './report/write-report.js'
import { runLoads } from './run-loads.js'
import { type Suite } from './suites/suite.js'

const ROUNDS = 5
/** What the length of a sample is multiplied with for a quick look. */
const QUICK = 0.4

function usage({ command, contenders, loads, page }: Suite): string {
  const one = command.includes(' -- ') ? command : `${command} --`
  return `${command.padEnd(33)} all loads, and the report: ${page.page}
${`${one} NAME…`.padEnd(33)} some loads, shown only, of these, or all that end so (${one} 1000):
                                  ${loads.map(({ name }) => name).join('\n                                  ')}
${`${one} report`.padEnd(33)} the report again, from the results of the last whole run

  --rounds N         turns of each contender at each load (${ROUNDS})
  --only NAME,…      these contenders only, of: ${contenders.map(({ name }) => name).join(', ')}
  --quick            short samples, for a look: their numbers say little

npm run bench -- kernel | ipvs    the kernel modes; they take the same arguments
npm run bench -- lossless | programming | rules | stalls | micro
                                  this proxy alone, without others to compare
`
}

/** Compares this proxy with others. @returns the exit code */
export async function compare(suite: Suite, args: readonly string[]): Promise<number> {
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
  if (positionals.join() === 'report') return show(writeReport(readResults(suite), suite))
  const rounds = Number(values.rounds)
  const only = values.only?.split(',')
  const wrong = [
    ...positionals.filter(name => !suite.loads.some(load => isMeant(load, name))).map(name => `no benchmark "${name}"`),
    ...(only ?? [])
      .filter(name => !suite.contenders.some(contender => contender.name === name))
      .map(name => `no contender "${name}"`),
    ...(Number.isInteger(rounds) && rounds > 0 ? [] : [`no number of rounds "${values.rounds}"`]),
  ]
  if (values.help || wrong.length > 0) {
    if (wrong.length > 0) process.stderr.write(`There is ${wrong.join(' and ')}.\n\n`)
    process.stderr.write(usage(suite))
    return wrong.length > 0 ? 2 : 0
  }
  if (cannotUseNamespaces !== false) {
    process.stderr.write(`The benchmark ${cannotUseNamespaces}.\n`)
    return 1
  }
  const isWhole = positionals.length === 0 && only === undefined && !values.quick
  return run(suite, { names: positionals, only, rounds, haste: values.quick ? QUICK : 1, isWhole })
}

function isMeant({ name }: Load, said: string): boolean {
  return name === said || name.endsWith(`-${said}`)
}

interface Asked {
  /** Of loads; none: all. */
  readonly names: readonly string[]
  /** These contenders only. */
  readonly only: readonly string[] | undefined
  readonly rounds: number
  readonly haste: number
  readonly isWhole: boolean
}

async function run(suite: Suite, { names, only, rounds, haste, isWhole }: Asked): Promise<number> {
  const loads = names.length === 0 ? suite.loads : suite.loads.filter(load => names.some(name => isMeant(load, name)))
  const asked = suite.contenders.filter(({ name }) => only?.includes(name) !== false)
  const missing = Object.fromEntries(
    asked.flatMap(contender => {
      const why = contender.missing()
      return why === undefined ? [] : [[contender.name, why]]
    }),
  ) as Results['missing']
  for (const { name, title } of asked)
    if (missing[name] !== undefined) process.stderr.write(`Without ${title}: ${missing[name]}.\n`)
  const contenders = asked.filter(({ name }) => missing[name] === undefined)
  const circumstances = circumstancesNow(contenders, suite.programs)
  const started = performance.now()
  let loadResults: LoadResult[] = []
  await Ending.around(async t => {
    const progress = new TerminalProgress(contenders)
    loadResults = await runLoads(t, { loads, contenders, rounds, haste }, progress)
  })
  const seconds = Math.round((performance.now() - started) / 1000)
  const results = { circumstances, rounds, seconds, missing, loads: loadResults }
  const terminal = Terminal.ofProcess()
  if (isWhole) terminal.table(rightAligned(targetTable(results, suite)))
  terminal.say(`${seconds} s in all.`)
  if (isWhole) return show(writeReport(results, suite))
  terminal.say(`Shown only: the report is written by a whole run, "${suite.command}" without arguments.`)
  return 0
}

function show(paths: readonly string[]): number {
  process.stdout.write(`Written: ${paths.join(', ')}\n`)
  return 0
}
