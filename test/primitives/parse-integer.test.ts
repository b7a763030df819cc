import t from 'tap'
import { parseInteger } from '../../lib/primitives/parse-integer.js'

void t.test('whole numbers are read as in Go', t => {
  const table: readonly (readonly [text: string, expected: number | undefined])[] = [
    ['0', 0],
    ['-0', 0],
    ['00', 0],
    ['7', 7],
    ['+7', 7],
    ['-7', -7],
    ['2147483648', 2147483648],
    ['0120', 80],
    ['-0120', -80],
    ['0o120', 80],
    ['0O17', 15],
    ['0x50', 80],
    ['0XfF', 255],
    ['0b11', 3],
    ['08', undefined],
    ['0o8', undefined],
    ['0x', undefined],
    ['0b2', undefined],
    ['', undefined],
    ['-', undefined],
    [' 1', undefined],
    ['1 ', undefined],
    ['1.0', undefined],
    ['1e3', undefined],
    ['1_000', undefined],
    ['--1', undefined],
    ['Infinity', undefined],
  ]
  for (const [text, expected] of table) t.equal(parseInteger(text), expected, JSON.stringify(text))
  t.end()
})
