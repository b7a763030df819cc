import t from 'tap'
import { TextTable, breakText } from '../../lib/terminal/text-table.js'
import { terminalStyle, toAscii } from '../../lib/terminal/terminal-style.js'

const PLAIN = { columns: Infinity, colour: false, isUnicode: true }
const rowOf = (...texts: string[]) => texts.map(text => ({ text }))

void t.test('columns are aligned, and nothing stands at the end of a line', t => {
  const table = new TextTable(PLAIN)
  t.strictSame(
    table.format([rowOf('NAME', 'PORT', 'WHY'), rowOf('a-long-name', '80', 'ready'), rowOf('b', '8080', '')]),
    ['NAME          PORT   WHY', 'a-long-name   80     ready', 'b             8080'],
  )
  t.strictSame(table.format([rowOf('c', '1', 'later')]), ['c             1      later'], 'later rows stand below')
  t.end()
})

void t.test('a table that does not fit gets narrower gaps first', t => {
  const rows = [rowOf('AAAA', 'BBBB', 'CCCC')]
  const linesAt = (columns: number) => new TextTable({ ...PLAIN, columns }).format(rows)
  t.strictSame(linesAt(18), ['AAAA   BBBB   CCCC'])
  t.strictSame(linesAt(17), ['AAAA  BBBB  CCCC'])
  t.strictSame(linesAt(15), ['AAAA BBBB CCCC'])
  t.strictSame(linesAt(13), ['AAAA   BBBB', '    CCCC'], 'and then the last cell goes to the next line')
  t.end()
})

void t.test('sentences are broken between words where they have room, and no line is wider than the terminal', t => {
  const sentence = 'The proxy refused the client: its address is outside of the source ranges of the Service'
  for (const columns of [60, 80, 120]) {
    const lines = new TextTable({ ...PLAIN, columns }).format([rowOf('NAME', 'WHY'), rowOf('web', sentence)])
    for (const line of lines) t.ok(line.length <= columns, line)
    t.equal(
      lines
        .slice(1)
        .map(line => line.replace(/^web/, '').trim())
        .join(' '),
      sentence,
      'no word is lost',
    )
    t.ok(
      lines.slice(2).every(line => line.startsWith('       ')),
      'below the first words',
    )
  }
  const narrow = new TextTable({ ...PLAIN, columns: 40 }).format([rowOf('a'.repeat(30), sentence)])
  t.equal(narrow[0], 'a'.repeat(30))
  t.ok(narrow.every(line => line.length <= 40))
  t.end()
})

void t.test('a cell has its colour, and its column stays aligned', t => {
  const table = new TextTable({ ...PLAIN, colour: true })
  t.strictSame(
    table.format([
      [{ text: 'no', colour: 'bad' }, { text: 'x' }],
      [{ text: 'maybe' }, { text: 'y' }],
    ]),
    ['\x1b[31mno\x1b[0m      x', 'maybe   y'],
  )
  t.end()
})

void t.test('what others wrote can neither colour, hide nor break lines', t => {
  const [line, ...more] = new TextTable(PLAIN).format([rowOf('\x1b[31mred\nline', 'b')])
  t.equal(line, '\\u001b[31mred line   b')
  t.strictSame(more, [])
  t.end()
})

void t.test('where only ASCII can be shown, other characters are replaced, and columns stay aligned', t => {
  const lines = new TextTable({ ...PLAIN, isUnicode: false }).format([rowOf('a…', 'x'), rowOf('über', 'y')])
  t.strictSame(lines, ['a...   x', '?ber   y'])
  t.equal(toAscii('10.0.0.1 → b – “c”'), '10.0.0.1 -> b - ?c?')
  t.end()
})

void t.test('a text is broken between words only', t => {
  t.strictSame(breakText('one two three', 7), ['one two', 'three'])
  t.strictSame(breakText('averylongword x', 5), ['averylongword', 'x'])
  t.end()
})

void t.test('what an output can show follows from the stream and the environment', t => {
  const tty = { isTTY: true, columns: 100 }
  t.strictSame(terminalStyle(tty, { LANG: 'C.UTF-8' }), { columns: 100, colour: true, isUnicode: true })
  t.strictSame(terminalStyle({}, { LANG: 'en_US.utf8' }), { columns: Infinity, colour: false, isUnicode: true })
  t.strictSame(terminalStyle({ isTTY: true, columns: 0 }, {}), { columns: 80, colour: true, isUnicode: false })
  t.equal(terminalStyle(tty, { NO_COLOR: '1' }).colour, false)
  t.equal(terminalStyle({}, { FORCE_COLOR: '1' }).colour, true)
  t.equal(terminalStyle(tty, { LANG: 'C.UTF-8', LC_ALL: 'C' }).isUnicode, false, 'LC_ALL comes first')
  t.equal(terminalStyle(tty, { LANG: 'C', LC_CTYPE: 'ko_KR.UTF-8', LC_ALL: '' }).isUnicode, true)
  t.end()
})
