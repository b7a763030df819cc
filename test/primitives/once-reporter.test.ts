import t from 'tap'
import { OnceReporter } from '../../lib/primitives/once-reporter.js'

/** Each row is one call of `update` with these problems: what it reports, and what it returns as gone. */
const UPDATES: readonly {
  readonly name: string
  readonly calls: readonly (readonly [problems: string, reported: string, gone: string])[]
}[] = [
  {
    name: 'a problem is reported once while it is present',
    calls: [
      ['a', 'a', ''],
      ['a', '', ''],
      ['a', '', ''],
    ],
  },
  {
    name: 'a problem that comes back is reported again',
    calls: [
      ['a', 'a', ''],
      ['', '', 'a'],
      ['a', 'a', ''],
    ],
  },
  {
    name: 'a new problem is reported beside an old one',
    calls: [
      ['a', 'a', ''],
      ['a b', 'b', ''],
      ['b', '', 'a'],
      ['a b', 'a', ''],
    ],
  },
  {
    name: 'a problem that is listed twice is reported once',
    calls: [['a a b', 'a b', '']],
  },
  { name: 'no problems report nothing', calls: [['', '', '']] },
]

const words = (text: string): string[] => text.split(' ').filter(word => word !== '')

for (const { name, calls } of UPDATES) {
  t.test(name, t => {
    const reporter = new OnceReporter()
    for (const [problems, expected, expectedGone] of calls) {
      const reported: string[] = []
      const gone = reporter.update(
        words(problems),
        problem => problem,
        problem => reported.push(problem),
      )
      t.same(reported, words(expected), `reported for "${problems}"`)
      t.same(gone, words(expectedGone), `gone for "${problems}"`)
      t.same([...reporter.present], [...new Set(words(problems))], 'present')
    }
    t.end()
  })
}

t.test('the key decides whether a problem is a new one', t => {
  const reporter = new OnceReporter()
  const reported: object[] = []
  const update = (problem: { port: number; text: string }) =>
    reporter.update(
      [problem],
      ({ port }) => String(port),
      one => reported.push(one),
    )
  update({ port: 1, text: 'first' })
  update({ port: 1, text: 'other words' })
  t.same(reported, [{ port: 1, text: 'first' }])
  t.same(update({ port: 2, text: 'first' }), ['1'])
  t.equal(reported.length, 2)
  t.end()
})

t.test('with at most one problem, a change and a return are reported, a repetition is not', t => {
  const reporter = new OnceReporter()
  const reported: string[] = []
  const report = (problem: string) => reported.push(problem)
  const gone = ['a', 'a', 'b', 'a', undefined, undefined, 'a'].map(problem => reporter.updateOne(problem, report))
  t.same(reported, ['a', 'b', 'a', 'a'])
  t.same(gone, [false, false, true, true, true, false, false])
  t.end()
})

t.test('added problems stay until all are cleared', t => {
  const reporter = new OnceReporter()
  const reported: string[] = []
  const add = (problem: string) => reporter.add(problem, one => reported.push(one))
  for (const problem of ['a', 'b', 'a', 'b']) add(problem)
  t.same(reported, ['a', 'b'])
  t.equal(reporter.clear(), true)
  t.equal(reporter.clear(), false, 'there was nothing left')
  add('b')
  t.same(reported, ['a', 'b', 'b'])
  t.end()
})
