import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import t from 'tap'

interface TestFilter {
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** The scripts in bin are JavaScript that runs before anything is compiled, so they have no types. */
const { readTestFilter } = (await import(pathToFileURL(join(process.cwd(), 'bin', 'test-filter.mjs')).href)) as {
  readTestFilter: (args: readonly string[]) => TestFilter
}

/** A file with three tests; one name contains "hide". */
const FILE = fileURLToPath(new URL('../primitives/undo-on-failure.test.js', import.meta.url))

t.test('--grep is taken out of the arguments, in each form and as often as it is given', t => {
  t.strictSame(readTestFilter(['--bail']), { args: ['--bail'], env: {} })
  t.strictSame(readTestFilter(['--grep=half closed', '--bail']), { args: ['--bail'], env: { TAP_GREP: 'half closed' } })
  t.strictSame(readTestFilter(['--grep', '/a=b/i', '-g', 'c']), { args: [], env: { TAP_GREP: '/a=b/i\nc' } })
  for (const args of [['--grep'], ['--grep='], ['--grep', '']]) t.throws(() => readTestFilter(args), /needs a pattern/)
  t.end()
})

t.test('a test file runs only the tests that match', t => {
  const run = (args: readonly string[]) => {
    const { env } = readTestFilter(args)
    const { TAP_GREP: _, ...ownEnv } = process.env
    const { stdout } = spawnSync(process.execPath, [FILE], {
      env: { ...ownEnv, NODE_OPTIONS: '', TAP_TIMEOUT: '300', ...env },
      encoding: 'utf8',
    })
    return stdout.split('\n').filter(line => /^(not )?ok /.test(line) && !line.includes('# SKIP'))
  }
  t.equal(run([]).length, 3)
  const [only, ...others] = run(['--grep=does not hide'])
  t.match(only, 'a step that cannot be undone does not hide the failure')
  t.strictSame(others, [])
  t.end()
})
