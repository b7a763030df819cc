/**
 * Measures small parts of the proxy, each alone: `npm run bench -- micro [PART…]`; a part is the start of a name.
 * Does not need root. Compare only numbers of one machine and one run.
 */
import { Terminal } from '../../lib/terminal/terminal.js'
import { type MicroBench } from './micro/micro-bench.js'
import { pickBenches } from './micro/pick.js'
import { ruleDiffBenches } from './micro/rule-diff.js'
import { snapshotBenches } from './micro/snapshot.js'
import { spliceBenches } from './micro/splice.js'
import { formatNumber, formatSummary } from './report/format-number.js'
import { summarize } from './report/statistics.js'
import { alignRight } from './report/terminal-progress.js'

const ROUNDS = 7
/** Minimum length of a round in milliseconds. */
const ROUND_MS = 150

const namePrefixes = process.argv.slice(2)
const benches = [...pickBenches(), ...(await spliceBenches()), ...snapshotBenches(), ...ruleDiffBenches()]
const rows = [['', 'one operation', 'µs each', 'a second']]
for (const bench of benches) {
  if (namePrefixes.length === 0 || namePrefixes.some(part => bench.name.startsWith(part))) {
    const microseconds = summarize(await measure(bench))!
    rows.push([bench.name, bench.operation, formatSummary(microseconds, {}), formatNumber(1e6 / microseconds.median)])
  }
}
for (const { end } of benches) end?.()
Terminal.forProcess().printTable(alignRight(rows))

/** @returns microseconds per operation for each round */
async function measure({ run }: MicroBench): Promise<number[]> {
  let count = 1
  // This also warms it up.
  for (let took = 0; took < ROUND_MS; count *= took < ROUND_MS ? 2 : 1) took = await measureMs(() => run(count))
  const rounds: number[] = []
  for (let round = 0; round < ROUNDS; round++) rounds.push(((await measureMs(() => run(count))) * 1000) / count)
  return rounds
}

async function measureMs(work: () => void | Promise<void>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}
