import t from 'tap'
import { LineSplitter } from '../../lib/source/line-splitter.js'

t.test('lines are the same wherever the bytes are cut', test => {
  const text = 'eins\n\nzw€i 😀\r\n  \ndrei\nrest'
  const bytes = Buffer.from(text)
  for (let size = 1; size <= bytes.length; size++) {
    const splitter = new LineSplitter()
    const lines: string[] = []
    for (let at = 0; at < bytes.length; at += size) lines.push(...splitter.push(bytes.subarray(at, at + size)))
    test.same(lines, ['eins', 'zw€i 😀\r', 'drei'], `in chunks of ${size}`)
  }
  test.end()
})

t.test('a line that exceeds the limit is an error', test => {
  const splitter = new LineSplitter(10)
  test.same(splitter.push(Buffer.from('12345\n1234567')), ['12345'])
  test.throws(() => splitter.push(Buffer.from('89012')), RangeError)
  test.end()
})
