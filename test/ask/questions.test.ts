import { readFileSync } from 'node:fs'
import t from 'tap'
import { QUESTIONS } from '../../lib/ask/questions.js'

t.test('every question has its own number, in order, and a title in both languages', t => {
  const numbers = QUESTIONS.map(({ number }) => number)
  t.strictSame(
    numbers,
    [...new Set(numbers)].sort((a, b) => a - b),
  )
  for (const { number, title, asked } of QUESTIONS) {
    t.ok(number >= 1 && number <= 25, String(number))
    t.match(title.en, /\?$/)
    t.match(title.ko, /[가-힣].*\?$/)
    for (const place of asked) t.match(place, /^[\w-]+#\d+$/)
  }
  t.end()
})

t.test('docs/ask.md lists the questions that exist', t => {
  const listed = [...readFileSync('docs/ask.md', 'utf8').matchAll(/^\| (\d+) \| (.*?) \|/gm)]
  t.strictSame(
    listed.map(([, number, title]) => [Number(number), title!.replaceAll('`', '')]),
    QUESTIONS.map(({ number, title }) => [number, title.en]),
  )
  t.end()
})
