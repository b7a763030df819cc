import t from 'tap'
import { type UsedObject, mergeManifests } from '../../lib/source/merge-manifests.js'
import { parseManifest } from '../../lib/source/parse-manifest.js'

/** A Service whose port says where it came from. */
function service(name: string, port: number): string {
  return `apiVersion: v1\nkind: Service\nmetadata: { name: ${name} }\nspec: { ports: [{ port: ${port} }] }\n`
}

/** Texts by file; undefined: the file cannot be read. */
type Files = Readonly<Record<string, string | undefined>>

function merge(files: Files, last: ReadonlyMap<string, UsedObject> = new Map(), lostFolders: readonly string[] = []) {
  const read = Object.entries(files).map(([file, text]) => ({
    file,
    parsed: text === undefined ? undefined : parseManifest(text, file),
  }))
  const { objects, problems } = mergeManifests(read, lostFolders, last)
  const ports = Object.fromEntries(
    [...objects.values()].map(({ key, raw }) => [
      key.replace('Service default/', ''),
      (raw as { spec: { ports: [{ port: number }] } }).spec.ports[0].port,
    ]),
  )
  return { objects, problems, ports }
}

const BROKEN_B = service('b', 0)
const TWO = `${service('a', 1)}---\n${service('b', 2)}`

void t.test('each object counts by itself, and one with a mistake keeps its last state', t => {
  const table: readonly (readonly [
    name: string,
    before: Files,
    after: Files,
    ports: Readonly<Record<string, number>>,
    lostFolders?: readonly string[],
  ])[] = [
    ['nothing', {}, {}, {}],
    ['a new file', { x: service('a', 1) }, { x: service('a', 1), y: service('b', 2) }, { a: 1, b: 2 }],
    ['a wrong field', { x: TWO }, { x: `${service('a', 9)}---\n${BROKEN_B}` }, { a: 9, b: 2 }],
    ['a wrong field in a new object', { x: service('a', 1) }, { x: `${service('a', 9)}---\n${BROKEN_B}` }, { a: 9 }],
    ['a wrong field, and another object is gone', { x: TWO }, { x: BROKEN_B }, { b: 2 }],
    ['an object that moves with a mistake', { x: TWO }, { x: service('a', 1), y: BROKEN_B }, { a: 1, b: 2 }],
    ['an object that moves', { x: TWO }, { x: service('a', 1), y: service('b', 9) }, { a: 1, b: 9 }],
    ['a document that is not YAML', { x: TWO }, { x: `${service('a', 9)}---\na: [\n` }, { a: 9, b: 2 }],
    ['a document without a kind', { x: TWO }, { x: `${service('a', 9)}---\nb: 1\n` }, { a: 9, b: 2 }],
    ['an object without a name', { x: TWO }, { x: `${service('a', 9)}---\n${service('[]', 9)}` }, { a: 9, b: 2 }],
    ['such a document in another file', { x: TWO }, { x: service('a', 9), y: 'a: [\n' }, { a: 9 }],
    [
      'a file that cannot be read',
      { x: TWO, y: service('c', 3) },
      { x: undefined, y: service('c', 9) },
      { a: 1, b: 2, c: 9 },
    ],
    [
      'a file that becomes empty',
      { x: TWO, y: service('c', 3) },
      { x: ' \n', y: service('c', 9) },
      { a: 1, b: 2, c: 9 },
    ],
    [
      'a file with nothing but comments',
      { x: TWO, y: service('c', 3) },
      { x: '# none\n', y: service('c', 9) },
      { c: 9 },
    ],
    ['an empty file', { y: service('c', 3) }, { x: '', y: service('c', 9) }, { c: 9 }],
    ['a file that is gone', { x: TWO, y: service('c', 3) }, { y: service('c', 3) }, { c: 3 }],
    [
      'a folder that cannot be listed',
      { 'd/x': TWO, y: service('c', 3) },
      { y: service('c', 9) },
      { a: 1, b: 2, c: 9 },
      ['d'],
    ],
    ['a folder of a longer name', { 'de/x': TWO, y: service('c', 3) }, { y: service('c', 9) }, { c: 9 }, ['d']],
    ['two definitions at the start', {}, { x: service('a', 1), y: service('a', 2) }, { a: 1 }],
    [
      'a second definition in a later file',
      { y: service('a', 1) },
      { y: service('a', 9), z: service('a', 2) },
      { a: 9 },
    ],
    [
      'a second definition in an earlier file',
      { y: service('a', 1) },
      { x: service('a', 2), y: service('a', 9) },
      { a: 9 },
    ],
    [
      'a second definition in the file',
      { y: service('a', 1) },
      { y: `${service('a', 9)}---\n${service('a', 2)}` },
      { a: 9 },
    ],
    [
      'the first of two definitions is gone',
      { x: service('a', 1), y: service('a', 2) },
      { y: service('a', 2) },
      { a: 2 },
    ],
    ['one of two definitions has a mistake', { x: service('b', 1) }, { x: BROKEN_B, y: service('b', 2) }, { b: 2 }],
  ]
  for (const [name, before, after, ports, lostFolders] of table)
    t.same(merge(after, merge(before).objects, lostFolders).ports, ports, name)
  t.end()
})

void t.test('a last state stays through several mistakes, and ends with the object', t => {
  let { objects } = merge({ x: TWO })
  for (const text of [BROKEN_B, 'a: [', `${BROKEN_B}---\n${service('a', 0)}`]) {
    const next = merge({ x: `${service('a', 1)}---\n${text}` }, objects)
    objects = next.objects
    t.equal(next.ports['b'], 2, text)
  }
  t.same(merge({ x: service('a', 1) }, objects).ports, { a: 1 })
  t.end()
})

void t.test('each mistake is a sentence, and many of one file are counted', t => {
  t.same(merge({ x: BROKEN_B, y: `${service('a', 1)}---\n${service('a', 2)}` }).problems, [
    'y:6: Service default/a is defined twice; the definition at y:1 is used',
    'x:4: Service "b": spec.ports[0].port: expected a port from 1 to 65535, found 0',
  ])
  const { problems } = merge({ x: Array.from({ length: 50 }, () => BROKEN_B).join('---\n') })
  t.equal(problems.length, 21)
  t.equal(problems.at(-1), 'x: 30 more mistakes')
  t.end()
})
