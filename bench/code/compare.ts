import { Terminal } from '../../lib/terminal/terminal.js'
import { namespacesUnavailable } from '../../test/support/nodes/node-network.js'
import { readArguments } from '../../test/support/processes/read-arguments.js'
import { CleanupStack } from './cleanup-stack.js'
import { type Load } from './loads/load.js'
import { readEnvironment } from './report/environment.js'
import { type LoadResult, type Results } from './report/results.js'
import { buildTargetTable } from './report/target-table.js'
import { TerminalProgress, alignRight } from './report/terminal-progress.js'
import { readResults, writeReport } from './report/write-report.js'
import { runLoads } from './run-loads.js'
import { type Suite } from './suites/suite.js'

const DEFAULT_ROUNDS = 5
/** Factor for the length of a sample in a quick run. */
const QUICK_FACTOR = 0.4

function usage({ command, contenders, loads, page }: Suite): string {
  const one = command.includes(' -- ') ? command : `${command} --`
  return `${command.padEnd(33)} run all loads and write the report: ${page.path}
${`${one} NAME…`.padEnd(33)} run some loads without a report, by name or end of a name (${one} 1000):
                                  ${loads.map(({ name }) => name).join('\n                                  ')}
${`${one} report`.padEnd(33)} write the report again from the results of the last full run

  --rounds N         turns of each contender per load (${DEFAULT_ROUNDS})
  --only NAME,…      only these contenders of: ${contenders.map(({ name }) => name).join(', ')}
  --quick            short samples for a quick test: their numbers are not reliable

npm run bench -- kernel | ipvs    run the loads of the kernel modes, with the same arguments
npm run bench -- lossless | page | programming | rest | rules | stalls | watched | micro
                                  measure this proxy alone, without a comparison
`
}

/** The only argument that writes the report again. */
const REPORT = 'report'
const OPTIONS = {
  rounds: { type: 'string', default: String(DEFAULT_ROUNDS) },
  only: { type: 'string' },
  quick: { type: 'boolean', default: false },
} as const

/** What to compare, as the arguments ask for it. */
interface Comparison {
  readonly names: readonly string[]
  readonly only: readonly string[] | undefined
  readonly rounds: number
  readonly isQuick: boolean
}

/** Reads the arguments of a comparison. Ends the process if they ask for the usage (code 0), or for what there is not (code 2). */
export function readComparison(suite: Suite, args: readonly string[]): Comparison {
  const { values, positionals } = readArguments({ args, allowPositionals: true, options: OPTIONS }, usage(suite))
  const names = positionals.join() === REPORT ? [] : positionals
  const rounds = Number(values.rounds)
  const only = values.only?.split(',')
  const wrong = [
    ...names
      .filter(name => !suite.loads.some(load => matchesLoadName(load, name)))
      .map(name => `no benchmark "${name}"`),
    ...(only ?? [])
      .filter(name => !suite.contenders.some(contender => contender.name === name))
      .map(name => `no contender "${name}"`),
    ...(Number.isInteger(rounds) && rounds > 0 ? [] : [`no number of rounds "${values.rounds}"`]),
  ]
  if (wrong.length > 0) {
    process.stderr.write(`There is ${wrong.join(' and ')}.\n\n${usage(suite)}`)
    process.exit(2)
  }
  return { names: positionals, only, rounds, isQuick: values.quick }
}

/** Compares this proxy with others. @returns the exit code */
export async function compare(suite: Suite, args: readonly string[]): Promise<number> {
  const { names, only, rounds, isQuick } = readComparison(suite, args)
  if (names.join() === REPORT) return printWritten(writeReport(readResults(suite), suite))
  if (namespacesUnavailable !== false) {
    process.stderr.write(`The benchmark ${namespacesUnavailable}.\n`)
    return 1
  }
  const isWhole = names.length === 0 && only === undefined && !isQuick
  return runSuite(suite, {
    names,
    only,
    rounds,
    durationFactor: isQuick ? QUICK_FACTOR : 1,
    isComplete: isWhole,
  })
}

function matchesLoadName({ name }: Load, given: string): boolean {
  return name === given || name.endsWith(`-${given}`)
}

interface RunRequest {
  /** Names of loads; empty: all. */
  readonly names: readonly string[]
  /** Only these contenders. */
  readonly only: readonly string[] | undefined
  readonly rounds: number
  readonly durationFactor: number
  readonly isComplete: boolean
}

async function runSuite(
  suite: Suite,
  { names, only, rounds, durationFactor, isComplete }: RunRequest,
): Promise<number> {
  const loads =
    names.length === 0 ? suite.loads : suite.loads.filter(load => names.some(name => matchesLoadName(load, name)))
  const asked = suite.contenders.filter(({ name }) => only?.includes(name) !== false)
  const missing = Object.fromEntries(
    asked.flatMap(contender => {
      const why = contender.unavailableReason()
      return why === undefined ? [] : [[contender.name, why]]
    }),
  ) as Results['missing']
  for (const { name, title } of asked)
    if (missing[name] !== undefined) process.stderr.write(`Without ${title}: ${missing[name]}.\n`)
  const contenders = asked.filter(({ name }) => missing[name] === undefined)
  const circumstances = readEnvironment(contenders, suite.programs)
  const started = performance.now()
  let loadResults: LoadResult[] = []
  await CleanupStack.run(async t => {
    const progress = new TerminalProgress(contenders)
    loadResults = await runLoads(t, { loads, contenders, rounds, durationFactor }, progress)
  })
  const seconds = Math.round((performance.now() - started) / 1000)
  const results = { circumstances, rounds, seconds, missing, loads: loadResults }
  const terminal = Terminal.forProcess()
  if (isComplete) terminal.printTable(alignRight(buildTargetTable(results, suite)))
  terminal.printText(`${seconds} s in all.`)
  if (isComplete) return printWritten(writeReport(results, suite))
  terminal.printText(`No report written: only a full run, "${suite.command}" without arguments, writes it.`)
  return 0
}

function printWritten(paths: readonly string[]): number {
  process.stdout.write(`Written: ${paths.join(', ')}\n`)
  return 0
}
