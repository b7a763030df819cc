import { resolve } from 'node:path'
import t from 'tap'
import { Parser } from 'tap-parser'

const { createTapOutput } = (await import(resolve('bin/tap-output.mjs'))) as {
  readonly createTapOutput: (print: (text: string) => void) => {
    readonly write: (text: string) => void
    readonly end: () => void
    readonly comment: (lines: readonly string[]) => void
  }
}

const TAP = `TAP version 14
# Subtest: a.test.js
    not ok 1 - is one
      ---
      diff: |
        -2
        +1
      ...
    1..1
not ok 1 - a.test.js # time=3ms
  ---
  exitCode: 1
  ...

# Subtest: b.test.js
    ok 1 - fine
    1..1
ok 2 - b.test.js # time=3ms

1..2
`

/** What a parser finds in TAP. */
function parse(tap: string): unknown {
  const found: unknown[] = []
  const follow = (parser: Parser): void => {
    parser.on('child', child => follow(child))
    parser.on('assert', ({ ok, id, name, diag }) => found.push({ ok, id, name, diag }))
    parser.on('extra', extra => found.push({ extra: extra.trim() }))
  }
  const parser = new Parser()
  follow(parser)
  parser.end(tap)
  return {
    found: found.filter(item => JSON.stringify(item) !== '{"extra":""}'),
    ok: parser.ok,
    failures: parser.failures.length,
  }
}

t.test('a comment at any place of the TAP is printed, and a parser finds the same with it', t => {
  for (let place = 0; place <= TAP.length; place++) {
    let printed = ''
    const output = createTapOutput(text => (printed += text))
    if (place > 0) output.write(TAP.slice(0, place))
    output.comment(['not ok 1 - in another file', '    diff: -2'])
    if (place < TAP.length) output.write(TAP.slice(place))
    output.end()
    const comment = '# not ok 1 - in another file\n#     diff: -2\n'
    const [, after] = printed.split(comment)
    if (!/^(TAP version|# Subtest: |1\.\.|$)/.test(after ?? 'no comment'))
      t.fail('the comment is not before the next file', { place, printed })
    if (printed.replace(comment, '') !== TAP) t.fail('the TAP differs', { place, printed })
    const [found, expected] = [parse(printed), parse(TAP)].map(result => JSON.stringify(result))
    if (found !== expected) t.equal(found, expected, `at ${place}`)
  }
  t.pass(`${TAP.length} places`)
  t.end()
})

t.test('a comment comes before the next file, and at once when no TAP is written', t => {
  const printed: string[] = []
  const output = createTapOutput(text => printed.push(text))
  const second = TAP.indexOf('# Subtest: b')
  output.write(TAP.slice(0, second - 1))
  output.comment(['first'])
  t.notMatch(printed.join(''), 'first')
  output.write(TAP.slice(second - 1, second + 30))
  t.match(printed.join(''), '# first\n# Subtest: b')
  output.comment(['second'])
  output.end()
  t.equal(printed.at(-1), '# second\n')
  output.comment(['third'])
  t.equal(printed.at(-1), '# third\n')
  t.end()
})

t.test('an end within a line prints what there is', t => {
  let printed = ''
  const output = createTapOutput(text => (printed += text))
  output.write('ok 1 - a')
  output.comment(['ended'])
  output.end()
  t.equal(printed, 'ok 1 - a\n# ended\n')
  t.end()
})
