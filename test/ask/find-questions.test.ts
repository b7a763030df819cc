import t from 'tap'
import { findQuestions } from '../../lib/ask/find-questions.js'
import { QUESTIONS } from '../../lib/ask/questions.js'

const numbersFor = (about: string): readonly number[] => findQuestions(about, QUESTIONS).map(({ number }) => number)

t.test('a question is found by its number, and by words of either language in any order', t => {
  const cases: readonly (readonly [about: string, numbers: readonly number[]])[] = [
    ['8', [8]],
    [' 08 ', [8]],
    ['hairpin', [16]],
    ['HairPin', [16]],
    ['keep-alive', [7]],
    ['client gRPC', [7]],
    ['kubernetes#78201', [1]],
    ['헤어핀', [16]],
    ['엔드포인트가 왜', [9]],
  ]
  for (const [about, numbers] of cases) t.strictSame(numbersFor(about), numbers, about)
  t.ok(numbersFor('iptables').length > 1, 'a word of several questions finds all of them')
  t.end()
})

t.test('a number or a word of no question is an error that lists what exists', t => {
  const code = 'ASK_INVALID'
  for (const number of ['0', '99', '-1']) {
    const message = `There is no question ${number}`
    t.throws(() => numbersFor(number), { code, message, hint: /^There are: 1, 2, / }, number)
  }
  t.throws(() => numbersFor('hairpn'), { code, message: 'No question has the words "hairpn"; did you mean hairpin?' })
  t.throws(() => numbersFor('bananas'), { code, message: 'No question has the words "bananas"' })
  t.throws(() => numbersFor('hairpin bananas'), { code })
  t.end()
})
