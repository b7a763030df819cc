import t from 'tap'
import { fillTexts } from '../../lib/ask/fill-texts.js'

t.test('values take the places of their names in both languages', t => {
  t.strictSame(fillTexts({ en: '{a} of {b}', ko: '{b}개 가운데 {a}개' }, { a: 1, b: 'x' }), {
    en: '1 of x',
    ko: 'x개 가운데 1개',
  })
  t.strictSame(fillTexts({ en: 'plain', ko: '그대로' }, {}), { en: 'plain', ko: '그대로' })
  t.end()
})

t.test('a value that one language does not quote, or that does not exist, is an error', t => {
  const wrong = [
    [{ en: '{a}', ko: '없다' }, { a: 1 }],
    [{ en: 'none', ko: '{a}' }, { a: 1 }],
    [{ en: '{a}', ko: '{a}' }, {}],
    [
      { en: '{a}', ko: '{a}' },
      { a: 1, b: 2 },
    ],
  ] as const
  for (const [texts, values] of wrong) t.throws(() => fillTexts(texts, values), /the text quotes/, texts.en)
  t.end()
})
