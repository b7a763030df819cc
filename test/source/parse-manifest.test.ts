import t from 'tap'
import { parseManifest as parse } from '../../lib/source/parse-manifest.js'
import { makeApiNode, makeApiService, makeApiSlice } from '../support/api/api-objects.js'

/** With the texts of the problems. */
function parseManifest(text: string, file: string) {
  const { problems, ...rest } = parse(text, file)
  return { ...rest, problems: problems.map(problem => problem.text) }
}

const WEB = `apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  clusterIP: 10.96.0.10
  ports:
    - name: http
      port: 80
`

/** `Service default/web at f.yaml:1`. */
function parseObjects(text: string): string[] {
  const { objects, problems } = parseManifest(text, 'f.yaml')
  t.same(problems, [])
  return objects.map(({ kind, raw, location }) => {
    const { metadata } = raw as { metadata: { name: string } }
    return `${kind} ${metadata.name} at ${location}`
  })
}

void t.test('Objects are read in every form that kubectl accepts', t => {
  const slice = makeApiSlice()
  const table: readonly (readonly [name: string, text: string, expected: readonly string[]])[] = [
    ['one YAML document', WEB, ['Service web at f.yaml:1']],
    ['a comment before it', `# hello\n\n${WEB}`, ['Service web at f.yaml:3']],
    [
      'several documents',
      `---\n${WEB}---\n${WEB.replace('name: web', 'name: other')}---\n`,
      ['Service web at f.yaml:2', 'Service other at f.yaml:12'],
    ],
    ['empty documents between', `---\n---\n# nothing\n---\n${WEB}---\n---\n`, ['Service web at f.yaml:5']],
    ['Windows line ends and a byte order mark', `\ufeff${WEB.replaceAll('\n', '\r\n')}`, ['Service web at f.yaml:1']],
    ['JSON', JSON.stringify(makeApiService()), ['Service web at f.yaml:1']],
    ['JSON on several lines', JSON.stringify(makeApiService(), null, 2), ['Service web at f.yaml:1']],
    ['JSON with tabs', JSON.stringify(makeApiService(), null, '\t'), ['Service web at f.yaml:1']],
    [
      'a List',
      JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [makeApiService(), slice] }, null, 1),
      ['Service web at f.yaml:1 (items[0])', 'EndpointSlice web-1 at f.yaml:1 (items[1])'],
    ],
    [
      'a ServiceList, whose items have no kind of their own',
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'ServiceList',
        items: [{ metadata: { name: 'a' } }, { metadata: { name: 'b' } }],
      }),
      ['Service a at f.yaml:1 (items[0])', 'Service b at f.yaml:1 (items[1])'],
    ],
    [
      'an EndpointSliceList of the older version',
      JSON.stringify({ apiVersion: 'discovery.k8s.io/v1beta1', kind: 'EndpointSliceList', items: [slice] }),
      ['EndpointSlice web-1 at f.yaml:1 (items[0])'],
    ],
    [
      'a List in a List',
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'List',
        items: [{ apiVersion: 'v1', kind: 'List', items: [makeApiNode('n')] }],
      }),
      ['Node n at f.yaml:1 (items[0].items[0])'],
    ],
    ['an empty List', '{ apiVersion: v1, kind: List, items: [] }', []],
    ['nothing', '', []],
    ['only comments', '# a\n# b\n', []],
    [
      'anchors and aliases',
      WEB.replace('name: web', 'name: &n web\n  labels: { app: *n }'),
      ['Service web at f.yaml:1'],
    ],
  ]
  for (const [name, text, expected] of table) t.same(parseObjects(text), expected, name)
  t.end()
})

void t.test('Kinds that a proxy does not need are ignored, and each is listed once', t => {
  const deployment = 'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\n'
  const text = `${deployment}---\n${deployment}---\n${WEB}---\napiVersion: v1\nkind: constructor\n---\napiVersion: v1\nkind: List\n`
  const { objects, ignoredKinds, problems } = parseManifest(text, 'f.yaml')
  t.same(
    objects.map(({ kind }) => kind),
    ['Service'],
  )
  t.same(ignoredKinds, ['Deployment.apps', 'constructor', 'List'])
  t.same(problems, [])
  t.end()
})

void t.test('A mistake is reported with file, line and field', t => {
  const table: readonly (readonly [name: string, text: string, problems: readonly (string | RegExp)[]])[] = [
    [
      'a wrong port',
      WEB.replace('port: 80', 'port: 70000'),
      ['f.yaml:9: Service "web": spec.ports[0].port: expected a port from 1 to 65535, found 70000'],
    ],
    [
      'a wrong field of the second document',
      `${WEB}---\n${WEB.replace('10.96.0.10', 'none')}`,
      ['f.yaml:16: Service "web": spec.clusterIP: "none" is not an IP address'],
    ],
    [
      'a wrong field inside a List',
      JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [makeApiService({ clusterIP: '1.2.3' })] }, null, 1),
      [/^f\.yaml:\d+: Service "default\/web": spec\.clusterIPs: "1\.2\.3" is not an IP address$/],
    ],
    [
      'a missing field, at its parent',
      'apiVersion: v1\nkind: Service\nmetadata:\n  labels: {}\n',
      [
        'f.yaml:4: Service undefined: metadata.name: "" is not a valid name (lower case letters, digits, "-" and "."): object ignored',
      ],
    ],
    [
      'a condition as text',
      `${JSON.stringify(makeApiSlice({ endpoints: [{ addresses: ['10.244.0.5'], conditions: { ready: 'no' } }] }))}`,
      ['f.yaml:1: EndpointSlice "default/web-1": endpoints[0].conditions.ready: expected true or false, found "no"'],
    ],
    [
      'a label of the slice',
      'apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata:\n  name: a\n  labels:\n    kubernetes.io/service-name: A b\naddressType: IPv4\n',
      [
        'f.yaml:6: EndpointSlice "a": metadata.labels["kubernetes.io/service-name"]: "A b" names no Service: slice ignored',
      ],
    ],
    ['no kind', 'a: 1\n', ['f.yaml:1: expected a Kubernetes object, found {"a":1} without "kind"']],
    [
      'no apiVersion',
      'kind: Service\n',
      ['f.yaml:1: expected a Kubernetes object, found {"kind":"Service"} without "apiVersion"'],
    ],
    ['just text', 'hello\n', ['f.yaml:1: expected a Kubernetes object, found "hello" without "kind"']],
    ['a list', '- a\n', ['f.yaml:1: expected a Kubernetes object, found ["a"] without "kind"']],
    [
      'an empty entry of a List',
      'apiVersion: v1\nkind: List\nitems:\n  - null\n',
      ['f.yaml:4: expected a Kubernetes object, found {} without "kind"'],
    ],
    [
      'a very old version',
      WEB.replace('v1', 'v1beta3'),
      ['f.yaml:1: apiVersion: expected "v1" for kind Service, found "v1beta3"'],
    ],
    [
      'a version of another kind',
      'apiVersion: v1\nkind: EndpointSlice\n',
      [
        'f.yaml:1: apiVersion: expected "discovery.k8s.io/v1" or "discovery.k8s.io/v1beta1" for kind EndpointSlice, found "v1"',
      ],
    ],
    ['a tab', `${WEB}\tx: 1\n`, [/^f\.yaml:10: /]],
    ['a duplicate key', `${WEB}kind: Node\n`, ['f.yaml:10: the key "kind" is there twice']],
    ['a bracket that is not closed', 'apiVersion: v1\nkind: [\n', [/^f\.yaml:\d: /]],
    [
      'a key twice with an invisible character',
      `${WEB}k\u00ad: 1\nk\u00ad: 2\n`,
      ['f.yaml:11: the key "k\\u00ad" is there twice'],
    ],
    [
      'an undefined alias with one',
      WEB.replace('name: web', 'name: *mis\u00adsing'),
      ['f.yaml:4: the alias "mis\\u00adsing" has no anchor before it'],
    ],
    [
      'a value of another type with one',
      WEB.replace('name: web', 'name: !!int x\u2028y'),
      ['f.yaml:4: "x\\u2028y" is not of the type "int"'],
    ],
    ['an undefined alias', WEB.replace('name: web', 'name: *missing'), [/^f\.yaml:\d+: .*[Aa]lias.*missing/]],
  ]
  for (const [name, text, expected] of table) {
    const { problems } = parseManifest(text, 'f.yaml')
    t.equal(problems.length, expected.length, `${name}: ${problems.join(' | ')}`)
    for (const [index, problem] of expected.entries()) {
      if (typeof problem === 'string') t.equal(problems[index], problem, name)
      else t.match(problems[index], problem, name)
    }
  }
  t.end()
})

void t.test('All mistakes of a file are reported together', t => {
  const text = [WEB.replace('80', '0'), WEB.replace('10.96.0.10', 'x'), 'kind: [\n', WEB.replace('web', 'We b')].join(
    '---\n',
  )
  const { problems } = parseManifest(text, 'f.yaml')
  t.ok(problems.length >= 4, problems.join('\n'))
  t.same(
    problems.map(problem => Number(problem.split(':')[1])),
    [...problems.map(problem => Number(problem.split(':')[1]))].sort((a, b) => a - b),
  )
  t.end()
})

void t.test('A malicious manifest is reported as a mistake', t => {
  const laughs = ['a: &a [x, x, x, x, x, x, x, x, x]']
  for (let i = 1; i < 10; i++) {
    const [name, before] = ['abcdefghij'[i]!, 'abcdefghij'[i - 1]!]
    laughs.push(`${name}: &${name} [${Array(9).fill(`*${before}`).join(', ')}]`)
  }
  const table: Record<string, string> = {
    'a billion laughs': `apiVersion: v1\nkind: Service\n${laughs.join('\n')}\n`,
    'lists in lists': `apiVersion: v1\nkind: Service\nmetadata: { name: web }\nspec: { ports: ${'['.repeat(50_000)}${']'.repeat(50_000)} }\n`,
    'an alias inside its own anchor':
      'apiVersion: v1\nkind: Service\nmetadata: &m { name: web, labels: *m }\nspec: &s { ports: *s }\n',
    'null bytes': `${WEB}\0\0`,
    'a List inside of itself': 'apiVersion: v1\nkind: List\nitems: &i\n- {apiVersion: v1, kind: List, items: *i}\n',
    'a List inside of itself by a merge key': 'apiVersion: v1\nkind: List\n<<: &m\n  items: [{ <<: *m }]\n',
    'an anchor that a merge key repeats': `apiVersion: v1\nkind: Service\na: &a [${'x, '.repeat(1000)}]\nb: [${'*a, '.repeat(200)}]\n`,
    'JSON lists in JSON lists': `{ "apiVersion": "v1", "kind": "Service", "a": ${'['.repeat(200)}${']'.repeat(200)} }`,
    'JSON Lists in JSON Lists': '{ "apiVersion": "v1", "kind": "List", "items": ['.repeat(20) + ']}'.repeat(20),
    'Lists in Lists': '{ apiVersion: v1, kind: List, items: ['.repeat(5000) + ']}'.repeat(5000),
  }
  for (const [name, text] of Object.entries(table)) {
    const { problems } = parseManifest(text, 'f.yaml')
    t.ok(problems.length > 0, `${name}: ${problems[0]?.slice(0, 100)}`)
    t.ok(
      problems.every(problem => problem.startsWith('f.yaml:') && problem.length < 300),
      name,
    )
  }
  t.equal(({} as Record<string, unknown>)['polluted'], undefined)
  const { objects } = parseManifest(
    `${WEB}__proto__: { polluted: true }\nconstructor: { prototype: { polluted: true } }\n`,
    'f.yaml',
  )
  t.equal(objects.length, 1)
  t.equal(({} as Record<string, unknown>)['polluted'], undefined)
  t.end()
})

void t.test('A group and a kind together are a kind', t => {
  const table: readonly (readonly [
    name: string,
    text: string,
    ignored: readonly string[],
    problems: readonly string[],
  ])[] = [
    [
      'a Service of Knative',
      'apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {}\n',
      ['Service.serving.knative.dev'],
      [],
    ],
    [
      'a list of them',
      'apiVersion: serving.knative.dev/v1\nkind: ServiceList\nitems: [{ metadata: { name: a } }, { spec: [] }]\n',
      ['Service.serving.knative.dev'],
      [],
    ],
    ['a Node of another group', 'apiVersion: example.com/v1\nkind: Node\n', ['Node.example.com'], []],
    [
      'an older version of slices',
      'apiVersion: discovery.k8s.io/v1alpha1\nkind: EndpointSlice\n',
      [],
      [
        'f.yaml:1: apiVersion: expected "discovery.k8s.io/v1" or "discovery.k8s.io/v1beta1" for kind EndpointSlice, found "discovery.k8s.io/v1alpha1"',
      ],
    ],
    [
      'an item of a list in a wrong version',
      'apiVersion: v1\nkind: EndpointSliceList\nitems:\n  - metadata: { name: a }\n',
      [],
      [
        'f.yaml:4: apiVersion: expected "discovery.k8s.io/v1" or "discovery.k8s.io/v1beta1" for kind EndpointSlice, found "v1"',
      ],
    ],
  ]
  for (const [name, text, ignored, expected] of table) {
    const { objects, ignoredKinds, problems } = parseManifest(`${text}---\n${WEB}`, 'f.yaml')
    t.equal(objects.length, 1, name)
    t.same(ignoredKinds, ignored, name)
    t.same(problems, expected, name)
  }
  t.end()
})

void t.test('JSON objects may stand one after the other, as kubectl reads them', t => {
  const json = (name: string, indent?: number) => JSON.stringify(makeApiService({ name }), null, indent)
  t.same(parseObjects(`${json('a')}\n${json('b', 2)}  ${json('c')}\n`), [
    'Service a at f.yaml:1',
    'Service b at f.yaml:2',
    'Service c at f.yaml:24',
  ])
  t.same(parseObjects(`---\n${json('a')}${json('b')}\n---\n${WEB}`), [
    'Service a at f.yaml:2',
    'Service b at f.yaml:2',
    'Service web at f.yaml:4',
  ])
  for (const [name, broken, problem] of [
    [
      'a wrong field',
      json('b', 1).replace(/"port": \d+/, '"port": 0'),
      /^f\.yaml:\d+: Service "default\/b": spec\.ports\[0\]\.port/,
    ],
    ['a missing comma', json('b', 1).replace(',', ''), /^f\.yaml:\d+: /],
    ['an end that is missing', json('b').slice(0, -2), /^f\.yaml:[23]: /],
  ] as const) {
    const { objects, problems } = parseManifest(`${json('a')}\n${broken}\n`, 'f.yaml')
    t.equal(objects.length, 1, name)
    t.ok(problems.length > 0, name)
    t.match(problems[0], problem, name)
  }
  t.end()
})

void t.test('A document with a mistake does not hide the others of its file', t => {
  const other = WEB.replace('name: web', 'name: other')
  for (const [name, broken] of [
    ['a bracket that is not closed', 'a: [\n'],
    ['a quote that is not closed', 'a: "x\n'],
    ['a tab', 'a:\n\tb: 1\n'],
    ['a block scalar that ends early', 'a: |\n    x\n  y\n'],
    ['an undefined alias', 'a: *b\n'],
    ['text', 'hello\n'],
    ['a JSON object that is not closed', '{ "a": [\n'],
  ] as const) {
    const { objects, problems } = parseManifest(`${WEB}---\n${broken}---\n${other}`, 'f.yaml')
    t.same(
      objects.map(({ key, location }) => `${key} ${location}`),
      ['Service default/web f.yaml:1', `Service default/other f.yaml:${11 + broken.split('\n').length}`],
      name,
    )
    t.ok(problems.length > 0, name)
    t.ok(
      problems.every(problem => /^f\.yaml:1[0-4]: /.test(problem)),
      `${name}: ${problems.join(' | ')}`,
    )
  }
  t.end()
})

void t.test('A problem names its object when the object is known', t => {
  const { objects, problems } = parse(
    [
      WEB,
      WEB.replace('name: web', 'name: b').replace('port: 80', 'port: 0'),
      WEB.replace('name: web', 'name: Not valid'),
      WEB.replace('name: web', 'name: []'),
      'a: [\n',
    ].join('---\n'),
    'f.yaml',
  )
  t.same(
    objects.map(({ key }) => key),
    ['Service default/web'],
  )
  t.same([...new Set(problems.map(({ key }) => key))], ['Service default/b', 'Service default/Not valid', undefined])
  t.end()
})

void t.test('An annotation that cannot be used is reported, and its object counts all the same', t => {
  const text = WEB.replace('  name: web', '  name: web\n  annotations:\n    kube-proxy-node/balancer: best')
  const { objects, problems } = parseManifest(text, 'f.yaml')
  t.match(problems, [/^f\.yaml:6: Service "web": metadata\.annotations.*"round-robin" is used$/])
  t.equal(objects.length, 1)
  const both = parseManifest(text.replace('port: 80', 'port: 80000'), 'f.yaml')
  t.strictSame([both.objects.length, both.problems.length], [0, 2], 'but not with another mistake')
  t.end()
})
