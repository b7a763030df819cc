import t from 'tap'
import { decodeEndpointSlice } from '../../lib/snapshot/decode-endpoint-slice.js'
import { decodeEndpoints } from '../../lib/snapshot/decode-endpoints.js'
import { decodeNode } from '../../lib/snapshot/decode-node.js'
import { decodeService } from '../../lib/snapshot/decode-service.js'
import { type Decoded, isObjectName, isPortName, quote } from '../../lib/snapshot/decoded.js'
import { failAndEndTest } from '../support/checks/fail-and-end-test.js'
import {
  makeApiEndpoint,
  makeApiEndpoints,
  makeApiNode,
  makeApiService,
  makeApiSlice,
} from '../support/api/api-objects.js'

/** Values that are wrong almost everywhere; none of them may stop the proxy. */
function hostileValues(): unknown[] {
  let deep: unknown = []
  for (let level = 0; level < 50_000; level++) deep = [deep]
  return [
    ...[
      null,
      undefined,
      true,
      0,
      -1,
      1.5,
      70_000,
      1e300,
      Number.NaN,
      '',
      '80',
      'None',
      '\'"\\`; rm -rf /\n\r\0',
      [],
      {},
    ],
    ...['__proto__', 'constructor', 'x'.repeat(100_000), [null], [[]], { a: null }, { toString: 1, valueOf: 1 }],
    ...[JSON.parse('{"__proto__": {"polluted": true}, "constructor": {"prototype": 1}}') as unknown],
    ...[deep, Array.from({ length: 10_000 }, () => null), Symbol.iterator.toString(), '\u2028\u202e\x9b31m\x7f'],
  ]
}

/** Every way to put a hostile value in the place of one field, at any depth. */
function* withHostileField(value: unknown, hostile: unknown): Generator<unknown> {
  yield hostile
  if (Array.isArray(value)) {
    for (const [index, entry] of value.entries())
      for (const changed of withHostileField(entry, hostile)) yield value.with(index, changed)
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, entry] of Object.entries(value))
      for (const changed of withHostileField(entry, hostile)) yield { ...value, [key]: changed }
  }
}

void t.test('a hostile value in any field never stops the proxy, and its problem is one printable line', t => {
  const subjects: readonly (readonly [name: string, decode: (raw: unknown) => Decoded<unknown>, good: unknown])[] = [
    [
      'Service',
      decodeService,
      makeApiService({
        labels: { app: 'web' },
        spec: { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 5 } } },
      }),
    ],
    [
      'EndpointSlice',
      decodeEndpointSlice,
      makeApiSlice({
        triggerTime: '2024-01-01T00:00:00Z',
        endpoints: [
          makeApiEndpoint('10.244.0.5', {
            nodeName: 'node-a',
            topology: { 'kubernetes.io/hostname': 'node-a' },
            hints: { forZones: [{ name: 'z' }], forNodes: [{ name: 'n' }] },
          }),
        ],
      }),
    ],
    ['Endpoints', decodeEndpoints, makeApiEndpoints()],
    ['Node', decodeNode, makeApiNode('node-a', { zone: 'z' })],
  ]
  for (const [name, decode, good] of subjects) {
    t.same(decode(good).problems, [], `${name}: nothing is wrong with the good one`)
    let count = 0
    for (const hostile of hostileValues()) {
      for (const raw of withHostileField(good, hostile)) {
        count++
        let problems: readonly string[]
        try {
          problems = decode(raw).problems
        } catch (error) {
          return failAndEndTest(t, `${name}: ${String(error)} at ${String(JSON.stringify(raw)).slice(0, 200)}`)
        }
        for (const problem of problems) {
          if (/[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/.test(problem) || problem.length > 300)
            return failAndEndTest(t, `${name}: not one printable line: ${JSON.stringify(problem)}`)
        }
      }
    }
    t.ok(count > 300, `${name}: ${count} hostile objects`)
  }
  t.equal(({} as Record<string, unknown>)['polluted'], undefined)
  t.end()
})

void t.test('a quoted value is cut at a length, never in the middle of a character', t => {
  t.equal(quote('10.0.0.1'), '"10.0.0.1"')
  t.equal(quote(undefined), 'undefined')
  t.equal(quote('a\nb"c'), '"a\\nb\\"c"')
  t.equal(
    quote('\u009b31m\u2028\u202e\u007f'),
    '"\\u009b31m\\u2028\\u202e\\u007f"',
    'also what JSON would leave as it is',
  )
  for (let length = 0; length < 80; length++) {
    const shown = quote(`${'x'.repeat(length)}😀😀😀😀`)
    t.ok(shown.length <= 60 && !/[\ud800-\udfff]/u.test(shown), `${length} characters before`)
  }
  let deep: unknown = 'end'
  for (let level = 0; level < 100_000; level++) deep = { deep }
  t.ok(quote(deep).length <= 60)
  t.end()
})

void t.test('a name is accepted exactly when the API server would accept it', t => {
  const table: readonly (readonly [name: string, object: boolean, port: boolean])[] = [
    ['web', true, true],
    ['0', true, true],
    ['a-b', true, true],
    ['constructor', true, true],
    ['a.b.c', true, false],
    ['x'.repeat(63), true, true],
    ['x'.repeat(64), true, false],
    [`${'x'.repeat(60)}.`.repeat(4) + 'x'.repeat(9), true, false],
    ['x'.repeat(254), false, false],
    ['', false, true],
    ['-web', false, false],
    ['web-', false, false],
    ['.web', false, false],
    ['web.', false, false],
    ['a..b', false, false],
    ['a.-b', false, false],
    ['a-.b', false, false],
    ['Web', false, false],
    ['we b', false, false],
    ['web\n', false, false],
    ['web"', false, false],
    ['web`id`', false, false],
    ['; rm -rf', false, false],
    ['__proto__', false, false],
    ['a/b', false, false],
    ['a:b', false, false],
    ['wéb', false, false],
  ]
  for (const [name, object, port] of table) {
    t.equal(isObjectName(name), object, `"${name.slice(0, 30)}" as the name of an object`)
    t.equal(isPortName(name), port, `"${name.slice(0, 30)}" as the name of a port`)
  }
  t.end()
})

void t.test('an object with an invalid name is ignored', t => {
  const names: readonly (readonly [metadata: unknown, problem: string])[] = [
    [{}, 'metadata.name: "" is not a valid name'],
    [{ name: null }, 'metadata.name: "" is not a valid name'],
    [{ name: 'a/b' }, 'metadata.name: "a/b" is not a valid name'],
    [{ name: '__proto__' }, 'metadata.name: "__proto__" is not a valid name'],
    [{ name: 'web', namespace: '../..' }, 'metadata.namespace: "../.." is not a valid name'],
    [{ name: 'web\n`reboot`' }, 'metadata.name: "web\\n`reboot`" is not a valid name'],
  ]
  for (const decode of [decodeService, decodeEndpoints, decodeEndpointSlice]) {
    for (const [metadata, problem] of names) {
      const decoded = decode({ metadata, addressType: 'IPv4' })
      t.equal(decoded.object, undefined)
      t.ok(decoded.problems.at(-1)?.startsWith(problem), `${decode.name}: ${decoded.problems.join()}`)
    }
  }
  for (const name of ['constructor', 'tostring', 'hasownproperty'])
    t.match(decodeService(makeApiService({ name, namespace: name })).object, { name, namespace: name })
  const labels = JSON.parse('{"__proto__": "x", "constructor": "y"}') as Record<string, unknown>
  t.same(Object.entries(decodeService(makeApiService({ labels })).object?.labels ?? {}), [
    ['__proto__', 'x'],
    ['constructor', 'y'],
  ])
  t.end()
})

void t.test('A namespace that is not text makes an object unusable, and does not become "default"', t => {
  for (const namespace of [7, [], {}, true]) {
    for (const [decode, raw] of [
      [decodeService, makeApiService()],
      [decodeEndpointSlice, makeApiSlice()],
      [decodeEndpoints, makeApiEndpoints()],
    ] as const) {
      const { object, problems } = decode({ ...raw, metadata: { ...(raw['metadata'] as object), namespace } })
      t.equal(object, undefined)
      t.match(problems, [/^metadata\.namespace: .* is not a valid name/])
    }
  }
  const unnamed = { ...makeApiService(), metadata: { name: 'web' } }
  t.match(decodeService(unnamed).object, { namespace: 'default' }, 'an absent one is "default", as in kubectl')
  t.end()
})
