import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const BENCH = '../code/bench.js'
/** Programs with arguments: `npm run` passes these on. */
const PROGRAMS: readonly (readonly [file: string, ...args: readonly string[]])[] = [
  [BENCH],
  [BENCH, 'ipvs'],
  [BENCH, 'watched'],
  [BENCH, 'page'],
  ['../code/soak/soak.js'],
  ['../code/reliability/reliability.js'],
  ['../../test/support/faults/run-faults.js'],
]

function run([file, ...args]: (typeof PROGRAMS)[number], ...more: readonly string[]) {
  const path = fileURLToPath(new URL(file, import.meta.url))
  return spawnSync(process.execPath, [path, ...args, ...more], { encoding: 'utf8' })
}

for (const program of PROGRAMS) {
  const name = program.map(part => part.replace(/^.*\//, '')).join(' ')
  t.test(`${name} shows its usage, and says which option it does not have`, t => {
    const help = run(program, '--help')
    t.equal(help.status, 0)
    t.match(help.stdout, /^npm run /)
    t.equal(help.stderr, '')
    const wrong = run(program, '--wrong')
    t.equal(wrong.status, 2)
    t.equal(wrong.stdout, '')
    t.equal(wrong.stderr, `Unknown option '--wrong'.\n\n${help.stdout}`)
    t.end()
  })
}

t.test('a number that a benchmark cannot use is quoted', t => {
  for (const [args, quoted] of [
    [['none'], 'none'],
    [['0'], '0'],
    [['5', '5', '5'], '5'],
  ] as const) {
    const { status, stderr } = run([BENCH, 'watched'], ...args)
    t.equal(status, 2)
    t.match(stderr, `"${quoted}" is not expected here.`)
  }
  t.end()
})
