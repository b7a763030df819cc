import { buildSync } from 'esbuild'
import t from 'tap'
import { type RunLine } from '../../lib/demo-page/demo-document.js'

interface Progress {
  readonly intro: readonly RunLine[]
  readonly steps: readonly { readonly before: readonly RunLine[]; readonly after: readonly RunLine[] }[]
  readonly next: string | undefined
  readonly predicted: number
  readonly right: number
}

// The page is compiled for browsers only.
const { outputFiles } = buildSync({
  ...{ entryPoints: ['lib/page/views/learn/lesson-progress.ts'], bundle: true, format: 'esm', write: false },
  tsconfig: 'lib/page/tsconfig.json',
})
const { lessonProgress } = (await import(`data:text/javascript,${encodeURIComponent(outputFiles[0]!.text)}`)) as {
  lessonProgress: (lines: readonly RunLine[]) => Progress
}

const TEXT = { en: 'text', ko: '글' }
const begin: RunLine = { kind: 'lesson-step', title: TEXT, say: TEXT }
const ran = (command: string): RunLine =>
  ({ kind: 'step', where: 'node', command, output: '', isLever: false, meaning: null }) as const
const question: RunLine = { kind: 'question', where: 'node', command: 'ss', text: TEXT, choices: [], show: 'show' }
const result = (predicted: number | null, right: number): RunLine =>
  ({ kind: 'result', predicted, right, proof: TEXT, value: 1, why: TEXT, holds: true }) as const

t.test('the lines of a lesson are put into its steps, before and after the question', t => {
  const lines = [ran('check'), begin, ran('kill'), question, ran('curl'), result(0, 0), begin, ran('scale')]
  const { intro, steps, next } = lessonProgress([...lines, { kind: 'next', id: 'learn/1/3/begin' }])
  const commands = (some: readonly RunLine[]) => some.flatMap(line => (line.kind === 'step' ? line.command : []))
  t.strictSame(commands(intro), ['check'])
  t.strictSame(
    steps.map(({ before, after }) => [commands(before), commands(after)]),
    [
      [['kill'], ['curl']],
      [['scale'], []],
    ],
  )
  t.equal(next, 'learn/1/3/begin')
  t.equal(lessonProgress(lines).next, undefined, 'the last line counts')
  t.match(lessonProgress([]), { intro: [], steps: [], predicted: 0, right: 0 })
  t.end()
})

t.test('a step without a prediction does not count as wrong', t => {
  const results = [result(0, 1), result(2, 2), result(0, 0), result(null, 1)]
  t.match(lessonProgress(results.flatMap(each => [begin, question, each])), { predicted: 3, right: 2 })
  t.end()
})
