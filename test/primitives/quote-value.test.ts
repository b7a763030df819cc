import t from 'tap'
import { escapeControls, quoteValue } from '../../lib/primitives/quote-value.js'

t.test('a value is quoted as JSON, and only its start if it is long', t => {
  t.equal(quoteValue({ a: ['b', 1, null] }), '{"a":["b",1,null]}')
  t.equal(quoteValue(undefined), 'undefined')
  t.equal(quoteValue('x'.repeat(1000)), `"${'x'.repeat(199)}…`)
  t.end()
})

t.test('what acts on a terminal becomes visible; letters of all languages and newlines stay', t => {
  for (const [text, expected] of [
    ['mode "x"\nline 2: é, 漢字, 🙂', 'mode "x"\nline 2: é, 漢字, 🙂'],
    ['\x1b[31mred\x07', '\\u001b[31mred\\u0007'],
    ['\x9b31m\x7f\x00', '\\u009b31m\\u007f\\u0000'],
    ['a\rb\tc', 'a\\u000db\\u0009c'],
    ['evil\u202etxt\u2028\u200f', 'evil\\u202etxt\\u2028\\u200f'],
    ['half \ud83d', 'half \\ud83d'],
  ] as const)
    t.equal(escapeControls(text), expected)
  t.end()
})
