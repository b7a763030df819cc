import t from 'tap'
import { inheritedOptions } from '../../lib/workers/inherited-options.js'

t.test('a worker gets the options of Node.js, and no program text', t => {
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
    t.strictSame(inheritedOptions(options), expected, options.join(' '))
  t.end()
})
