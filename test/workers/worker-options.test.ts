import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'
import { MEMORY_OPTIONS, workerOptions } from '../../lib/workers/worker-options.js'

t.test('a worker gets the options of Node.js after its own, which they replace, and no program text', t => {
  for (const [options, expected] of [
    [[], []],
    [
      ['--max-old-space-size=100', '--enable-source-maps'],
      ['--max-old-space-size=100', '--enable-source-maps'],
    ],
    [['--input-type=module', '--eval', 'start()', '--no-warnings'], ['--no-warnings']],
    [['-e', '--no-warnings'], []],
    [
      ['--eval=start()', '-p', '1', '--import', './a.js'],
      ['--import', './a.js'],
    ],
  ] as const)
    t.strictSame(workerOptions(options), [...MEMORY_OPTIONS, ...expected], options.join(' '))
  t.end()
})

const run = promisify(execFile)
/** Prints the size of the space for young objects after more of them were made, and kept for a while, than it takes. */
const FILL_YOUNG_SPACE = `--eval=
  let kept = []
  for (let n = 0; n < 3e6; n++) {
    kept.push({ n })
    if (kept.length > 3e4) kept = []
  }
  const spaces = require('v8').getHeapSpaceStatistics()
  console.log(spaces.find(({ space_name }) => space_name === 'new_space').space_size)`

t.test('the spaces of a worker stay small, unless an option says otherwise', async t => {
  for (const [own, semiSpace] of [
    [[], 2],
    [['--max-semi-space-size=8'], 8],
  ] as const) {
    const { stdout } = await run(process.execPath, [...workerOptions(own), FILL_YOUNG_SPACE])
    // The space has two halves.
    t.ok(Number(stdout) <= 2 * semiSpace * 2 ** 20, `${stdout} bytes`)
  }
})
