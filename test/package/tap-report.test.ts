import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'

interface Failure {
  readonly path: readonly string[]
  readonly diagnosis: Readonly<Record<string, unknown>> | undefined
}

interface TapReport {
  readonly parser: { end(text: string): void }
  readonly report: { readonly passed: number; readonly skipped: number; readonly failures: readonly Failure[] }
  readonly finished: Promise<void>
}

/** The scripts in bin are JavaScript that runs before anything is compiled, so they have no types. */
const { createTapReport, describeFailure } = (await import(
  pathToFileURL(join(process.cwd(), 'bin', 'tap-report.mjs')).href
)) as { createTapReport: () => TapReport; describeFailure: (failure: Failure) => readonly string[] }

async function read(...lines: readonly string[]): Promise<TapReport['report']> {
  const { parser, report, finished } = createTapReport()
  parser.end(['TAP version 14', ...lines, ''].join('\n'))
  await finished
  return report
}

t.test('a check that fails is reported once, with its file and the tests around it', async t => {
  const { passed, skipped, failures } = await read(
    '# Subtest: dist/test/docs.test.js',
    '    # Subtest: outer',
    '        ok 1 - fine',
    '        not ok 2 - is one',
    '          ---',
    '          at:',
    '            fileName: test/docs.test.ts',
    '            lineNumber: 7',
    '          diff: |',
    '            -2',
    '            +1',
    '          ...',
    '        ok 3 - later # SKIP no kernel',
    '        1..3',
    '    not ok 1 - outer # time=3ms',
    '    1..1',
    'not ok 1 - dist/test/docs.test.js # time=9ms',
    '1..1',
  )
  t.equal(passed, 1)
  t.equal(skipped, 1)
  t.same(
    failures.map(({ path }) => path),
    [['dist/test/docs.test.js', 'outer', 'is one']],
  )
  t.same(describeFailure(failures[0]!), [
    'test/docs.test.ts › outer › is one',
    '    at test/docs.test.ts:7',
    '    -2',
    '    +1',
  ])
})

t.test('a file that ends with an error after its checks passed is a failure', async t => {
  const { passed, failures } = await read(
    '# Subtest: dist/test/docs.test.js',
    '    ok 1 - fine',
    '    1..1',
    'not ok 1 - dist/test/docs.test.js # time=9ms',
    '  ---',
    '  exitCode: 3',
    '  ...',
    '1..1',
  )
  t.equal(passed, 1)
  t.same(
    failures.map(({ path }) => path),
    [['dist/test/docs.test.js']],
  )
  t.match(describeFailure(failures[0]!).join('\n'), 'exitCode: 3')
})

t.test('a file that takes too long is one failure, though tap reports it twice', async t => {
  const { failures } = await read(
    'not ok 1 - dist/test/docs.test.js # time=9ms',
    '  ---',
    '  signal: SIGALRM',
    '  ...',
    'not ok 2 - timeout!',
    '  ---',
    '  expired: dist/test/docs.test.js',
    '  ...',
    '1..2',
  )
  t.equal(failures.length, 1)
})

t.test('a check that is to do is no failure', async t => {
  const { failures, skipped } = await read('not ok 1 - later # TODO', '1..1')
  t.equal(failures.length, 0)
  t.equal(skipped, 1)
})
