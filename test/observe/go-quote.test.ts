import t from 'tap'
import { goQuote } from '../../lib/observe/go-quote.js'

const CASES: readonly [what: string, text: string, quoted: string][] = [
  ['plain text', 'default/web:http', '"default/web:http"'],
  ['quotes and backslashes', 'a"b\\c', '"a\\"b\\\\c"'],
  ['the escapes that have a letter', '\x07\b\f\n\r\t\v', '"\\a\\b\\f\\n\\r\\t\\v"'],
  ['other control characters, such as a terminal sequence', '\x1b[2J\x00\x7f', '"\\x1b[2J\\x00\\x7f"'],
  ['C1 controls', '\u009b1m', '"\\u009b1m"'],
  ['line and paragraph separators', '\u2028\u2029', '"\\u2028\\u2029"'],
  ['text direction marks', 'a\u202eb', '"a\\u202eb"'],
  ['spaces that look like the ordinary one', 'a\u00a0b', '"a\\u00a0b"'],
  ['unprintable characters beyond the first plane', '\u{e0001}', '"\\U000e0001"'],
  ['half a surrogate pair', '\ud800', '"\\ufffd"'],
  ['printable text of any script', 'größe e\u0301 日本 🚀', '"größe e\u0301 日本 🚀"'],
]

for (const [what, text, quoted] of CASES) {
  t.test(`quotes ${what} as Go does`, t => {
    t.equal(goQuote(text), quoted)
    t.end()
  })
}
