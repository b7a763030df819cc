import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readYaml } from '../../lib/source/read-yaml.js'

/** What kubectl 1.32 makes of a value; undefined: it refuses it. */
const VALUES: readonly (readonly [text: string, expected: unknown])[] = [
  ['0120', 80],
  ['0o120', 80],
  ['-0120', -80],
  ['+0120', 80],
  ['0189', 189],
  ['08', 8],
  ['00', 0],
  ['-0', 0],
  ['0x50', 80],
  ['0X1F', 31],
  ['0b101', 5],
  ['0o9', '0o9'],
  ['+12', 12],
  ['1_000', 1000],
  ['1__0', 10],
  ['1:20', '1:20'],
  ['190:20:30', '190:20:30'],
  ['1e3', 1000],
  ['12e03', 12000],
  ['.5', 0.5],
  ['1.', 1],
  ['1.0', 1],
  ['0.5_0', 0.5],
  ['1.2.3.4', '1.2.3.4'],
  ['10.96.0.10', '10.96.0.10'],
  ['fd00::1', 'fd00::1'],
  ['1e400', '1e400'],
  ['.inf', undefined],
  ['.nan', undefined],
  ...['y', 'Y', 'yes', 'Yes', 'YES', 'on', 'On', 'ON', 'true', 'True', 'TRUE'].map(text => [text, true] as const),
  ...['n', 'N', 'no', 'No', 'NO', 'off', 'Off', 'OFF', 'false', 'False', 'FALSE'].map(text => [text, false] as const),
  ['yEs', 'yEs'],
  ['~', null],
  ['Null', null],
  ['""', ''],
  ['"0120"', '0120'],
  ["'yes'", 'yes'],
  ['2001-01-01', '2001-01-01'],
  ['2001-12-14 21:59:43.10', '2001-12-14 21:59:43.10'],
  ['=', '='],
  ['!!str 0120', '0120'],
  ['!!str yes', 'yes'],
  ['!!int "12"', 12],
  ['!!int 0120', 80],
  ['!!float 3', 3],
  ['!!bool yes', true],
  ['!!bool maybe', undefined],
  ['!!binary aGVsbG8=', 'hello'],
  ['!!timestamp 2001-01-01', '2001-01-01'],
  ['!something text', 'text'],
  ['{ yes: 1, 0120: 2, true: 3 }', undefined],
  ['{ yes: 1 }', { true: 1 }],
  ['{ 0120: 1 }', { 80: 1 }],
  ['{ ~: 1 }', undefined],
  ['{ [a, b]: 1 }', undefined],
  ['{ x: 2, <<: { x: 1 } }', { x: 1 }],
  ['{ <<: { x: 1 }, x: 2 }', { x: 2 }],
  ['{ <<: [{ x: 1 }, { x: 2, z: 3 }] }', { x: 1, z: 3 }],
  ['{ <<: 1 }', undefined],
  [
    '[&a { x: 1, z: yes }, { <<: *a, z: 2 }]',
    [
      { x: 1, z: true },
      { x: 1, z: 2 },
    ],
  ],
  ['&a [*a]', undefined],
  ['*nowhere', undefined],
  ['[&a 1, *a, &a 2, *a]', [1, 1, 2, 2]],
]
/** kubectl takes the last of two equal keys here; a server to which it applies the object refuses it. */
const STRICTER: readonly string[] = ['{ yes: 1, 0120: 2, true: 3 }']

void t.test('a value is read as kubectl reads it', t => {
  for (const [text, expected] of VALUES) {
    const [document] = readYaml(`a: ${text}\n`)
    if (expected === undefined) {
      t.equal(document!.value, undefined, text)
      t.ok(document!.problems.length > 0, text)
    } else {
      t.same(document!.problems, [], text)
      t.strictSame(document!.value, { a: expected }, text)
    }
  }
  t.end()
})

const kubectl = join(process.env['KUBEBUILDER_ASSETS'] ?? '/nonexistent', 'kubectl')

t.test(
  'kubectl reads the same',
  { skip: existsSync(kubectl) ? false : 'needs kubectl in KUBEBUILDER_ASSETS' },
  async t => {
    const valid = VALUES.filter(([, expected]) => expected !== undefined)
    const head = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n'
    const { object } = await convert(`${head}values:\n${valid.map(([text]) => `- ${text}\n`).join('')}`)
    t.strictSame(
      object?.['values'],
      valid.map(([, expected]) => expected),
    )
    for (const [text, expected] of VALUES) {
      if (expected !== undefined || STRICTER.includes(text)) continue
      const { error } = await convert(`${head}value: ${text}\n`)
      t.match(error, /error/, text)
    }

    /** Reads a text without a server. */
    async function convert(text: string): Promise<{ object?: Record<string, unknown>; error: string }> {
      const args = ['annotate', '--local', '--dry-run=client', '-o', 'json', '-f', '-', 'read=1']
      return new Promise(resolve => {
        const child = execFile(kubectl, args, (failure, stdout, stderr) =>
          resolve({
            ...(failure === null && { object: JSON.parse(stdout) as Record<string, unknown> }),
            error: stderr,
          }),
        )
        child.stdin!.end(text)
      })
    }
  },
)

void t.test('what would never end, or fill the memory, is a mistake with its line', t => {
  const laughs = ['a0: &a0 [x, x, x, x, x, x, x, x, x]']
  for (let i = 1; i < 12; i++)
    laughs.push(
      `a${i}: &a${i} [${Array(9)
        .fill(`*a${i - 1}`)
        .join(', ')}]`,
    )
  const merges = ['a0: &a0 { k0: 1, l0: 1 }']
  for (let i = 1; i < 40; i++) merges.push(`a${i}: &a${i} { x: { <<: *a${i - 1} }, z: { <<: *a${i - 1} } }`)
  const table: readonly (readonly [name: string, text: string, line: number, problem: RegExp])[] = [
    ['an alias inside of its anchor', '\na: &a\n  - b: *a\n', 3, /the anchor "a" contains an alias of itself/],
    ['two anchors that contain each other', 'a: &a { b: &b [*a, *b] }\n', 1, /contains an alias of itself/],
    ['a merge key with its own map', 'a: &a\n  <<: *a\n', 2, /contains an alias of itself/],
    ['aliases of aliases', `${laughs.join('\n')}\n`, 6, /aliases of this document stand for more than 100000 values/],
    ['merges of merges', `${merges.join('\n')}\n`, 15, /aliases of this document stand for more than 100000 values/],
    ['lists in lists', `a: ${'['.repeat(200)}${']'.repeat(200)}\n`, 1, /nested deeper than 100 levels/],
    ['many lists in lists', `a: ${'['.repeat(10_000)}\n`, 1, /nested too deep/],
    [
      'maps in maps',
      Array.from({ length: 300 }, (_, i) => `${' '.repeat(i)}a:\n`).join(''),
      102,
      /nested deeper than 100/,
    ],
  ]
  for (const [name, text, line, problem] of table) {
    const [document] = readYaml(text)
    t.equal(document!.value, undefined, name)
    t.match(document!.problems[0]?.text, problem, name)
    t.equal(document!.problems[0]?.line, line, name)
  }
  const wide = `{ ${Array.from({ length: 20_000 }, (_, i) => `k${i}: 1`).join(', ')} }`
  t.equal(Object.keys(readYaml(wide)[0]!.value as object).length, 20_000, 'a wide map')
  const many = `a: &a [1]\nb: [${'*a, '.repeat(10_000)}]\n`
  t.same(readYaml(many)[0]!.problems, [], 'many aliases of something small')
  t.end()
})

void t.test('a key named __proto__ is a field like any other', t => {
  const value = readYaml('{ __proto__: { polluted: true }, a: { <<: { __proto__: 1 } } }')[0]!.value
  t.same(Object.keys(value as object), ['__proto__', 'a'])
  t.equal(({} as Record<string, unknown>)['polluted'], undefined)
  t.equal(Object.getPrototypeOf(value), Object.prototype)
  t.end()
})
