import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { readDeclaredFaults } from './support/faults/declared-faults.js'
import { readCaseNumbers, readDocumentedCases } from './support/faults/documented-cases.js'
import { type FaultRow } from './support/faults/fault-record.js'
import {
  COMMIT,
  DURATION,
  NOT_MEASURED,
  formatDuration,
  joinCommits,
  readCircumstance,
  readDocumentedFaults,
  replaceFaultTables,
} from './support/faults/fault-page.js'
import { readProgramCommit } from './support/faults/program-commit.js'

const root = process.cwd()
/** What the page promises. */
const LIMIT_MS = 600_000
const page = readFileSync(join(root, 'docs', 'reliability.md'), 'utf8')
const cases = readDocumentedCases(page)
/** The list of cases is beside the repository where this project is developed. */
const caseList = join(root, '..', 'shared', 'cases', 'faults.md')

t.test('docs/reliability.md has exactly the faults of the suite, each with the promise that its test checks', t => {
  const declared = readDeclaredFaults(join(root, 'test', 'faults'))
  const name = ({ area, fault, promise }: FaultRow): string => `${area}: ${fault}: ${promise}`
  t.equal(new Set(declared.map(({ area, fault }) => `${area}: ${fault}`)).size, declared.length, 'no fault twice')
  t.strictSame(
    readDocumentedFaults(page).map(name).sort(),
    declared.map(name).sort(),
    'npm run test:faults writes the tables',
  )
  t.end()
})

t.test('the tables of a document are replaced by those of the records, sorted', t => {
  const record = (area: string, fault: string) => ({ area, fault, promise: 'a | b', lost: '0 of 9', recovery: '1.0 s' })
  const records = [record('Rules', 'A'), record('API server', 'B'), record('API server', 'A')]
  const text = replaceFaultTables(page, records, { kernel: 'Linux' })
  t.strictSame(
    readDocumentedFaults(text).map(({ area, fault, promise }) => [area, fault, promise]),
    [
      ['API server', 'A', 'a | b'],
      ['API server', 'B', 'a | b'],
      ['Rules', 'A', 'a | b'],
    ],
  )
  t.match(text, /\| kernel \| Linux \|/)
  t.equal(replaceFaultTables(text, records, { kernel: 'Linux' }), text, 'the same records give the same text')
  t.end()
})

t.test('docs/reliability.md says how long the whole suite took: at most the 10 minutes that it promises', t => {
  t.match(page, 'takes at most 10 minutes')
  const duration = readCircumstance(page, DURATION) ?? 'missing'
  const [, minutes, seconds] = /^(\d+) min (\d+) s$/.exec(duration) ?? []
  const took = (Number(minutes) * 60 + Number(seconds)) * 1000
  t.ok(duration === NOT_MEASURED || took <= LIMIT_MS, `${DURATION}: ${duration}`)
  t.equal(
    readCircumstance(replaceFaultTables(page, [], { [DURATION]: formatDuration(485_400) }), DURATION),
    '8 min 5 s',
  )
  t.end()
})

t.test('figures name the commit of the program, and whether its sources were changed', t => {
  const checkout = mkdtempSync(join(tmpdir(), 'checkout-'))
  t.teardown(() => rmSync(checkout, { recursive: true }))
  t.equal(readProgramCommit(checkout), undefined, 'not a checkout')
  const git = (...args: readonly string[]): string =>
    execFileSync('git', ['-C', checkout, '-c', 'user.name=a', '-c', 'user.email=a@example.org', ...args], {
      encoding: 'utf8',
    }).trim()
  git('init', '--quiet')
  t.equal(readProgramCommit(checkout), undefined, 'no commit yet')
  mkdirSync(join(checkout, 'lib'))
  writeFileSync(join(checkout, 'lib', 'a.ts'), 'export {}')
  git('add', '.')
  git('commit', '--quiet', '--message=a')
  const hash = git('rev-parse', '--short', 'HEAD')
  t.equal(readProgramCommit(checkout), hash)
  writeFileSync(join(checkout, 'page.md'), 'A page with figures is no part of the program.')
  t.equal(readProgramCommit(checkout), hash)
  t.equal(readProgramCommit(join(checkout, 'lib')), undefined, 'a folder in the checkout of something else')
  writeFileSync(join(checkout, 'lib', 'b.ts'), 'export {}')
  t.equal(readProgramCommit(checkout), `${hash} with changes that are not committed`)
  t.end()
})

t.test('after a run of some faults, the page names the commits of all its rows', t => {
  t.equal(joinCommits(undefined, 'b'), 'b')
  t.equal(joinCommits('a', 'b'), 'a, b')
  t.equal(joinCommits('a, b', 'a'), 'a, b')
  t.equal(readCircumstance(replaceFaultTables(page, [], { [COMMIT]: 'a, b' }), COMMIT), 'a, b')
  t.end()
})

t.test('docs/reliability.md: each case from the field has a promise, and names tests that exist', t => {
  t.ok(cases.length > 40, `${cases.length} cases`)
  for (const { id, promise, tests } of cases) {
    t.match(promise, /^[A-Z`].*\.$/, `${id}: its promise`)
    t.ok(tests.length > 0, `${id}: its tests`)
    for (const { file, names } of tests) {
      const path = join(root, 'test', file)
      const texts = existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(isText) : []
      for (const name of names)
        t.ok(
          texts.some(line => line.includes(name)),
          `${id}: ${file} has a test "${name}"`,
        )
    }
  }
  t.end()
})

/** Whether a line of code has a text. */
function isText(line: string): boolean {
  return /^(?!\s*(\/\/|\*|\/\*)).*['`]/.test(line)
}

t.test(
  'docs/reliability.md has all cases of the list, each once',
  { skip: existsSync(caseList) ? false : 'the list is not beside this repository' },
  t => {
    t.strictSame(
      cases.map(({ id }) => id),
      readCaseNumbers(readFileSync(caseList, 'utf8')),
    )
    t.end()
  },
)
