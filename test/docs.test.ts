import { readFileSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import t from 'tap'
import { FLAGS } from '../lib/config/flags.js'
import { EXPECTED_DIFFERENCES } from './support/comparison/expected-differences.js'

/** Flags of kube-proxy that are named to say that they are not ours; and those of programs beside it. */
const FLAGS_OF_OTHERS = ['--keep', '--manifest', '--help', '--dport', '--to-destination']

const root = process.cwd()
const read = (file: string): string => readFileSync(join(root, file), 'utf8')
const tests = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' }).map(name => `test/${name}`)

/** The cells of the first table below a heading, or in the file, without its head. */
function rowsOf(text: string): string[][] {
  const lines = text.split('\n')
  const first = lines.findIndex(line => line.startsWith('|'))
  const table = lines.slice(first, first + lines.slice(first).findIndex(line => !line.startsWith('|')))
  // A stroke in a cell is written \|.
  return table.slice(2).map(line =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map(cell => cell.trim()),
  )
}

/** What stands in backquotes in a cell of tests, and is there. */
function shownBy(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name!)
}

function isThere(name: string): boolean {
  if (name.startsWith('npm run bench -- ')) return tests.includes(`test/bench/${name.split(' ').at(-1)}.ts`)
  if (name.endsWith('/')) return tests.some(test => test.startsWith(name) && test.endsWith('.test.ts'))
  if (name.includes('/')) return tests.includes(name)
  return tests.some(test => basename(test) === name)
}

t.test('Each row about what is served names tests that are there', t => {
  const does = read('README.md').split('## What it does today')[1]!
  const differences = read('DIFFERENCES.md')
  for (const [file, rows, least] of [
    ['README.md', rowsOf(does), 15],
    ['DIFFERENCES.md', rowsOf(differences), 40],
  ] as const) {
    t.ok(rows.length >= least, `${file} has ${rows.length} rows`)
    for (const row of rows) {
      const named = shownBy(row.at(-1)!)
      t.ok(named.length > 0, `${file}: "${row[0]}" names a test`)
      t.strictSame(
        named.filter(name => !isThere(name)),
        [],
        `${file}: "${row[0]}" names nothing that is not there`,
      )
    }
  }
  t.end()
})

t.test('Each difference is judged in one of a few words', t => {
  for (const row of rowsOf(read('DIFFERENCES.md'))) {
    t.equal(row.length, 6, String(row[0]))
    t.ok(['same', 'better', 'worse', 'other', 'absent'].includes(row[4]!), `${row[0]}: "${row[4]}"`)
  }
  t.end()
})

t.test('Whatever the original is found to do otherwise has a row', t => {
  const shown = rowsOf(read('DIFFERENCES.md')).filter(row => shownBy(row.at(-1)!).includes('original-iptables.test.ts'))
  const features = new Set(shown.map(([feature]) => feature))
  for (const { name, row } of EXPECTED_DIFFERENCES) t.ok(features.has(`iptables mode: ${row}`), name)
  t.end()
})

t.test('Every test with a node is named by a row, and every flag in the docs is one', t => {
  const docs = ['README.md', 'DIFFERENCES.md', 'docs/errors.md', 'ARCHITECTURE.md'].map(read).join('\n')
  const flags = new Set([...FLAGS.map(({ name }) => `--${name}`), ...FLAGS_OF_OTHERS])
  for (const [flag] of docs.matchAll(/(?<![\w-])--[a-z][a-z-]*[a-z]/g))
    t.ok(flags.has(flag) || [...flags].some(name => name.startsWith(`${flag}-`)), flag)
  const named = new Set(
    [...rowsOf(read('README.md').split('## What it does today')[1]!), ...rowsOf(read('DIFFERENCES.md'))].flatMap(row =>
      shownBy(row.at(-1)!).map(name => basename(name)),
    ),
  )
  const nodeTests = tests.filter(test => test.startsWith('test/integration/')).map(test => basename(test))
  t.strictSame(
    nodeTests.filter(test => !named.has(test)),
    ['real-cluster.test.ts', 'with-no-worker.test.ts', 'with-two-workers.test.ts'],
    'those are about where objects come from, and others once more',
  )
  t.end()
})
