import t from 'tap'
import { parsePortRange } from '../../lib/model/port-range.js'

void t.test('a port range is read in every notation of kube-proxy', t => {
  const table: readonly (readonly [text: string, range: unknown])[] = [
    ['', undefined],
    ['  ', undefined],
    ['0', undefined],
    ['0-0', undefined],
    ['0+0', undefined],
    ['40000', { first: 40000, last: 40000 }],
    ['40000-40010', { first: 40000, last: 40010 }],
    ['40000-40000', { first: 40000, last: 40000 }],
    ['40000+10', { first: 40000, last: 40010 }],
    ['40000+0', { first: 40000, last: 40000 }],
    [' 40000-40010 ', { first: 40000, last: 40010 }],
    ['1-65535', { first: 1, last: 65535 }],
    ['40010-40000', 'the range ends at 40000, below its start 40010'],
    ['1-65536', 'the range ends at 65536, above 65535'],
    ['70000', 'the range ends at 70000, above 65535'],
    ['65535+1', 'the range ends at 65536, above 65535'],
    ['0-100', 'the range starts at 0, which is not a port'],
    ['0+5', 'the range starts at 0, which is not a port'],
    ['abc', 'expected "N", "A-B" or "A+offset"'],
    ['-5', 'expected "N", "A-B" or "A+offset"'],
    ['5-', 'expected "N", "A-B" or "A+offset"'],
    ['1-2-3', 'expected "N", "A-B" or "A+offset"'],
    ['1 - 2', 'expected "N", "A-B" or "A+offset"'],
    ['1.5-2', 'expected "N", "A-B" or "A+offset"'],
    ['1--2', 'expected "N", "A-B" or "A+offset"'],
  ]
  for (const [text, range] of table) t.same(parsePortRange(text), range, `"${text}"`)
  t.end()
})
