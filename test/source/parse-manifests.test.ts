import t from 'tap'
import { parseManifests } from '../../lib/source/parse-manifests.js'

const NEVER_ABORTED = new AbortController().signal

function service(name: string): string {
  return `apiVersion: v1\nkind: Service\nmetadata: { name: ${name} }\nspec: { clusterIP: 10.96.0.1, ports: [{ port: 80 }] }\n`
}

/** More text than is parsed in the calling thread. */
function manyServices(prefix: string, count = 1000): string {
  return Array.from({ length: count }, (_, index) => service(`${prefix}-${index}`)).join('---\n')
}

void t.test('little and much text give the same results, one for each file', async t => {
  const texts = [
    { file: 'a', text: `${service('one')}---\n${service('two')}` },
    { file: 'b', text: 'a: [\n' },
    { file: 'c', text: '' },
    { file: 'd', text: 'apiVersion: apps/v1\nkind: Deployment\n' },
  ]
  const inline = await parseManifests(texts, NEVER_ABORTED)
  t.same(
    inline.map(({ objects, problems, ignoredKinds, isBlank }) => [
      objects.length,
      problems.length,
      ignoredKinds,
      isBlank,
    ]),
    [
      [2, 0, [], false],
      [0, 1, [], false],
      [0, 0, [], true],
      [0, 0, ['Deployment.apps'], false],
    ],
  )
  const [large, ...inThread] = await parseManifests([{ file: 'l', text: manyServices('l') }, ...texts], NEVER_ABORTED)
  t.same(inThread, inline)
  t.same(
    large!.objects.map(({ key }) => key),
    Array.from({ length: 1000 }, (_, index) => `Service default/l-${index}`),
  )
})

void t.test('while much text is parsed, the calling thread does other work', async t => {
  let turns = 0
  let isDone = false
  const turn = (): void => {
    turns++
    if (!isDone) setImmediate(turn)
  }
  setImmediate(turn)
  await parseManifests([{ file: 'l', text: manyServices('l') }], NEVER_ABORTED)
  isDone = true
  t.ok(turns > 100, `${turns} turns`)
})

void t.test('a file on which the parser ends is a mistake of that file', async t => {
  // A document of many short lists takes more memory than the limit of this test.
  const hungry = `a: [${'[],'.repeat(1_000_000)}]\n`
  const texts = [
    { file: 'a', text: service('one') },
    { file: 'hungry', text: hungry },
    { file: 'z', text: service('two') },
  ]
  const results = await parseManifests(texts, NEVER_ABORTED, 40)
  t.same(
    results.map(({ objects }) => objects.length),
    [1, 0, 1],
  )
  t.match(results[1]!.problems, [{ key: undefined, text: /^hungry:1: cannot be parsed: .*memory/ }])
})

void t.test('after an abort the parser ends', async t => {
  const stop = new AbortController()
  const parsing = parseManifests([{ file: 'l', text: manyServices('l', 20_000) }], stop.signal)
  setImmediate(() => stop.abort())
  t.same(await parsing, [])
  t.same(await parseManifests([{ file: 'l', text: manyServices('l') }], AbortSignal.abort()), [])
})
