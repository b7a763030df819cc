import { MODES } from '../../lib/modes/registry.js'
import t from 'tap'
import { FLAGS } from '../../lib/config/flags.js'
import { readConfig } from '../../lib/config/read-config.js'

void t.test('every flag has a help text and a valid default', t => {
  t.equal(new Set(FLAGS.map(({ name }) => name)).size, FLAGS.length, 'no name is used twice')
  for (const { name, kind, help, value } of FLAGS) {
    t.match(help, /^[A-Z].*[^.]$/s, `--${name} has a help text in the usual form`)
    t.equal(value === undefined, kind === 'switch', `--${name} has a placeholder unless it is a switch`)
  }
  const spelledOut = Object.fromEntries(FLAGS.map(({ name, default: byDefault }) => [name, byDefault]))
  t.same(
    readConfig(spelledOut, 'node-a', MODES),
    readConfig({}, 'node-a', MODES),
    'a spelled-out default changes nothing',
  )
  t.end()
})
