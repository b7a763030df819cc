import { parseArgs } from 'node:util'
import { cannotUseNamespaces } from '../support/node-network.js'
import { ALL_CONTENDERS } from './contenders/all-contenders.js'
import { type Contender } from './contenders/contender.js'
import { Ending } from './ending.js'
import { ALL_LOADS } from './loads/all-loads.js'
import { type LoadResult } from './report/results.js'
import { TerminalProgress } from './report/terminal-progress.js'
import { runLoads } from './run-loads.js'

const ROUNDS = 5

const USAGE = `npm run bench                               all loads, and a report into docs/benchmarks.md
npm run bench -- NAME… [--rounds N] [--quick] [--only CONTENDER,…]
                                            some loads, shown only: ${ALL_LOADS.map(({ name }) => name).join(', ')}
npm run bench -- lossless | programming | rules | micro
                                            a benchmark of this proxy alone
`

/** Compares this proxy with others. @returns the exit code */
export async function compare(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: String(ROUNDS) },
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  const unknown = positionals.filter(name => !ALL_LOADS.some(load => load.name === name))
  const rounds = Number(values.rounds)
  if (values.help || unknown.length > 0 || !(rounds >= 1)) {
    if (unknown.length > 0) process.stderr.write(`There is no benchmark "${unknown.join('" or "')}".\n`)
    process.stderr.write(USAGE)
    return values.help ? 0 : 2
  }
  if (cannotUseNamespaces !== false) throw new Error(`The benchmark ${cannotUseNamespaces}`)
  const chosen = values.only?.split(',')
  const asked = ALL_CONTENDERS.filter(({ name }) => chosen?.includes(name) !== false)
  const contenders = asked.filter(present)
  const loads = positionals.length === 0 ? ALL_LOADS : ALL_LOADS.filter(({ name }) => positionals.includes(name))
  const started = performance.now()
  let results: LoadResult[] = []
  await Ending.around(async t => {
    const progress = new TerminalProgress(contenders, rounds)
    results = await runLoads(t, { loads, contenders, rounds, haste: values.quick ? 0.4 : 1 }, progress)
  })
  process.stdout.write(`${((performance.now() - started) / 1000).toFixed(0)} s in all\n`)
  return results.length > 0 ? 0 : 1
}

/** Whoever is missing is left out, and that is said. */
function present(contender: Contender): boolean {
  const missing = contender.missing()
  if (missing !== undefined) process.stderr.write(`Without ${contender.title}: ${missing}.\n`)
  return missing === undefined
}
