import { readFileSync } from 'node:fs'
import t from 'tap'
import { LANGUAGES, type Texts } from '../../lib/ask/texts.js'
import { findLesson } from '../../lib/learn/find-lesson.js'
import { lessonMinutes } from '../../lib/learn/lesson-minutes.js'
import { isCounter } from '../../lib/learn/lesson.js'
import { LESSONS } from '../../lib/learn/lessons.js'

t.test('lessons have the numbers from 1, and a beginner needs at most five minutes for each', t => {
  t.strictSame(
    LESSONS.map(({ number }) => number),
    LESSONS.map((_, index) => index + 1),
  )
  for (const lesson of LESSONS) {
    const minutes = lessonMinutes(lesson)
    t.ok(minutes >= 1 && minutes <= 5, `lesson ${lesson.number}: ${minutes} min`)
  }
  t.end()
})

t.test('every text of a lesson is complete in both languages', t => {
  const namesIn = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!).sort()
  const check = ({ en, ko }: Texts): void => {
    t.match(en, /^[ -~–…→]+$/, 'English')
    t.ok(/[가-힣]/.test(ko) || ko === en, `Korean: ${ko}`)
    t.strictSame([...new Set(namesIn(ko))], [...new Set(namesIn(en))], `the same values: ${en}`)
  }
  for (const { title, steps } of LESSONS) {
    check(title)
    for (const { title, say, question, choices, proof, why } of steps) {
      for (const texts of [title, say, question, proof.name, why, ...choices.map(({ text }) => text)]) check(texts)
      for (const language of LANGUAGES) {
        t.match(question[language], /\?$/)
        t.match(say[language], /\.$/)
        t.notMatch(say[language], /[{}]/, 'what comes before is no measurement')
      }
    }
  }
  t.end()
})

t.test('every step has two to four choices, one of them right, and proves it by a counter or a value', t => {
  for (const { number, steps } of LESSONS) {
    t.ok(steps.length >= 3, `lesson ${number}`)
    t.ok(
      steps.some(({ proof }) => isCounter(proof)),
      `lesson ${number} has a counter`,
    )
    for (const { choices, right, proof, why, title } of steps) {
      t.ok(choices.length >= 2 && choices.length <= 4 && choices[right] !== undefined, title.en)
      t.equal(new Set(choices.map(({ text }) => text.en)).size, choices.length)
      t.match(why.en, isCounter(proof) ? '{more}' : `{${proof.value}}`, 'the reason quotes the proof')
      t.match(why.ko, isCounter(proof) ? '{more}' : `{${proof.value}}`)
    }
  }
  const rights = new Set(LESSONS.flatMap(({ steps }) => steps.map(({ right }) => right)))
  t.strictSame([...rights].sort(), [0, 1, 2], 'not always at the same place')
  t.end()
})

t.test('a lesson is found by its number; a wrong number is an error with those that exist', t => {
  t.equal(findLesson('2', LESSONS), LESSONS[1])
  for (const wrong of ['0', '99', 'ipvs', '1.5', ''])
    t.throws(() => findLesson(wrong, LESSONS), { code: 'LEARN_INVALID', hint: /There are: 1, 2, .*, 10\./ }, wrong)
  t.end()
})

t.test('docs/learn.md lists the lessons that exist', t => {
  const listed = [...readFileSync('docs/learn.md', 'utf8').matchAll(/^\| (\d+) \| (.*?) \| (\d+) \|/gm)]
  t.strictSame(
    listed.map(([, number, title, minutes]) => [Number(number), title, Number(minutes)]),
    LESSONS.map(lesson => [lesson.number, lesson.title.en, lessonMinutes(lesson)]),
  )
  t.end()
})
