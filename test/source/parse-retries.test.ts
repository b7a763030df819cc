import t from 'tap'
import { ParseRetries } from '../../lib/source/parse-retries.js'

t.test('a file on which the parser fails is due again later and later, at most every quarter of an hour', t => {
  const retries = new ParseRetries(() => 0)
  let now = 0
  const waits: number[] = []
  for (let failure = 0; failure < 12; failure++) {
    retries.note('a', true, now)
    const start = now
    while (retries.takeDue(now).length === 0) now += 1000
    waits.push((now - start) / 1000)
  }
  t.strictSame(waits, [2, 4, 8, 16, 32, 64, 128, 256, 450, 450, 450, 450])
  t.strictSame(retries.takeDue(now + 1e9), [], 'not while the parser works on it')
  t.end()
})

t.test('each file has its own wait, and a success or the end of the file ends it', t => {
  const retries = new ParseRetries(() => 0)
  for (const file of ['a', 'b', 'c']) retries.note(file, true, 0)
  retries.note('a', true, 0)
  t.strictSame(retries.takeDue(2000), ['b', 'c'])
  retries.note('b', false, 2000)
  retries.note('c', true, 2000)
  t.strictSame(retries.takeDue(4000), ['a'])
  retries.note('a', true, 4000)
  retries.keepOnly(['a'])
  t.strictSame(retries.takeDue(1e9), ['a'])
  t.end()
})
