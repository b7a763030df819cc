import t from 'tap'
import { type Endpoint } from '../../lib/model/endpoint.js'
import { BALANCER_NAMES } from '../../lib/model/balancer-name.js'
import { decodeEndpointSlice } from '../../lib/snapshot/decode-endpoint-slice.js'
import { decodeEndpoints } from '../../lib/snapshot/decode-endpoints.js'
import { decodeNode } from '../../lib/snapshot/decode-node.js'
import { decodeService } from '../../lib/snapshot/decode-service.js'
import { type Decoded, isObjectName, isPortName, quote } from '../../lib/snapshot/decoded.js'
import { endpointsOf } from '../../lib/snapshot/endpoints.js'
import { ignoredReason, servicePorts } from '../../lib/snapshot/service-ports.js'
import { usableEndpoints } from '../../lib/snapshot/usable-endpoints.js'
import { failAndEndTest } from '../support/checks/fail-and-end-test.js'
import {
  makeApiEndpoint,
  makeApiEndpoints,
  makeApiNode,
  makeApiService,
  makeApiSlice,
} from '../support/api/api-objects.js'
import { randomInt, testSeed, seededRandom } from '../support/checks/seeded-random.js'

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

void t.test('No value in any field stops the proxy, and what is told of it is one printable line', t => {
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

void t.test('A value in a message is cut at a length, and never in the middle of a character', t => {
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

void t.test('A name is accepted exactly when the API server would accept it', t => {
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

const DUAL = { clusterIPs: ['10.96.0.10', 'fd00:96::a'] }

void t.test('A Service is read with its defaults', t => {
  const { object, problems } = decodeService({ metadata: { name: 'web' } })
  t.same(problems, [])
  t.same(object, {
    namespace: 'default',
    name: 'web',
    uid: '',
    labels: {},
    type: 'ClusterIP',
    clusterIP: '',
    clusterIPs: [],
    ports: [],
    affinitySeconds: undefined,
    balancer: 'round-robin',
    maxConnections: undefined,
    maxConnectionsPerClient: undefined,
    internalPolicyLocal: false,
    externalPolicyLocal: false,
    externalIPs: [],
    loadBalancerIPs: [],
    sourceRanges: undefined,
    healthCheckNodePort: 0,
    createdAt: 0,
  })
  t.end()
})

void t.test('Addresses of a family that the Service has no cluster IP of are told as such', t => {
  const ingress = (...ips: string[]) => ({ status: { loadBalancer: { ingress: ips.map(ip => ({ ip })) } } })
  const service = (spec: object, ...ips: string[]) => ({
    ...makeApiService({ spec: { type: 'LoadBalancer', ...spec } }),
    ...ingress(...ips),
  })
  const missing = (path: string, ip: string) =>
    `${path}: "${ip}" is IPv6, and the Service has no cluster IP of that family: ignored`
  const shutOut = (family: string) =>
    `spec.loadBalancerSourceRanges: none is ${family}: nobody is let in to the ${family} addresses`
  const table: readonly (readonly [name: string, raw: unknown, wrongFamily: readonly string[]])[] = [
    ['an external IP', service({ externalIPs: ['203.0.113.7', 'fd00::7'] }), [missing('spec.externalIPs', 'fd00::7')]],
    ['an ingress IP', service({}, 'fd00::9'), [missing('status.loadBalancer.ingress', 'fd00::9')]],
    ['both families of a dual-stack Service', service({ ...DUAL, externalIPs: ['fd00::7'] }, '198.51.100.9'), []],
    [
      'a Service without cluster IP',
      service({ clusterIP: 'None', clusterIPs: ['None'], externalIPs: ['fd00::7'] }),
      [],
    ],
    [
      'source ranges of the other family only',
      service({ ...DUAL, loadBalancerSourceRanges: ['fd00::/8'] }, '198.51.100.9', 'fd00::9'),
      [shutOut('IPv4')],
    ],
    ['the same without an address to let in to', service({ loadBalancerSourceRanges: ['fd00::/8'] }), []],
  ]
  for (const [name, raw, wrongFamily] of table) {
    const decoded = decodeService(raw)
    t.strictSame(decoded.wrongFamily, wrongFamily, name)
    t.strictSame(decoded.problems, [], `${name}: no mistake`)
  }
  const slice = decodeEndpointSlice(makeApiSlice({ endpoints: [makeApiEndpoint('fd00::5')] }))
  t.strictSame(slice.wrongFamily, ['endpoints[0].addresses[0]: "fd00::5" is no IPv4 address: endpoint ignored'])
  t.end()
})

void t.test('A wrong field of a Service costs only itself, and is named', t => {
  const ports = (...list: Record<string, unknown>[]) => makeApiService({ ports: list })
  const table: readonly (readonly [name: string, raw: unknown, expected: object, problems: readonly string[]])[] = [
    [
      'a port above 65535 next to a good one',
      ports({ name: 'a', port: 70_000 }, { name: 'b', port: 80 }),
      { ports: [{ name: 'b', protocol: 'TCP', port: 80, nodePort: 0 }] },
      ['spec.ports[0].port: expected a port from 1 to 65535, found 70000'],
    ],
    [
      'a port as text',
      ports({ name: 'a', port: '80' }),
      { ports: [] },
      ['spec.ports[0].port: expected a port from 1 to 65535, found "80"'],
    ],
    [
      'a port name that would not fit into a rule',
      ports({ name: 'a"; rm -rf /\n', port: 80 }),
      { ports: [] },
      ['spec.ports[0].name: "a\\"; rm -rf /\\n" is not a valid port name: port ignored'],
    ],
    [
      'an unknown protocol',
      ports({ name: 'a', port: 80, protocol: 'ICMP' }),
      { ports: [] },
      ['spec.ports[0].protocol: "ICMP" is none of TCP, UDP, SCTP'],
    ],
    [
      'one name for two ports of one protocol',
      ports({ name: 'a', port: 80 }, { name: 'a', port: 81 }, { name: 'a', port: 80, protocol: 'UDP' }),
      {
        ports: [
          { name: 'a', protocol: 'TCP', port: 80, nodePort: 0 },
          { name: 'a', protocol: 'UDP', port: 80, nodePort: 0 },
        ],
      },
      ['spec.ports[1].name: "a" is there twice: port ignored'],
    ],
    ['ports that are null', makeApiService({ spec: { ports: null } }), { ports: [] }, []],
    [
      'ports that are no list',
      makeApiService({ spec: { ports: { 0: 'x' } } }),
      { ports: [] },
      ['spec.ports: expected a list, found {"0":"x"}'],
    ],
    [
      'a cluster IP that is none',
      makeApiService({ clusterIP: '10.96.0.999' }),
      { clusterIPs: [] },
      ['spec.clusterIPs: "10.96.0.999" is not an IP address'],
    ],
    [
      'no list of cluster IPs, from a server without dual stack',
      makeApiService({ spec: { clusterIPs: undefined } }),
      { clusterIPs: ['10.96.0.10'] },
      [],
    ],
    [
      'both families',
      makeApiService({ spec: { clusterIPs: ['fd00::10', '10.96.0.10'] } }),
      { clusterIPs: ['fd00::10', '10.96.0.10'] },
      [],
    ],
    [
      'an affinity of an unknown kind',
      makeApiService({ spec: { sessionAffinity: 'Cookie' } }),
      { affinitySeconds: undefined },
      ['spec.sessionAffinity: "Cookie" is neither "None" nor "ClientIP": no affinity'],
    ],
    ['no affinity', makeApiService({ spec: { sessionAffinity: 'None' } }), { affinitySeconds: undefined }, []],
    [
      'affinity without time-out',
      makeApiService({ spec: { sessionAffinity: 'ClientIP' } }),
      { affinitySeconds: 10_800 },
      [],
    ],
    ...[1, 86_400].map(
      timeoutSeconds =>
        [
          `an affinity of ${timeoutSeconds} s`,
          makeApiService({
            spec: { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds } } },
          }),
          { affinitySeconds: timeoutSeconds },
          [],
        ] as const,
    ),
    ...[0, -1, 86_401, 1.5, '60', [60]].map(
      timeoutSeconds =>
        [
          `an affinity of ${JSON.stringify(timeoutSeconds)}`,
          makeApiService({
            spec: { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds } } },
          }),
          { affinitySeconds: 10_800 },
          [
            'spec.sessionAffinityConfig.clientIP.timeoutSeconds: expected 1 to 86400, found ' +
              `${JSON.stringify(timeoutSeconds)}: 10800 is used`,
          ],
        ] as const,
    ),
    ...BALANCER_NAMES.map(
      balancer =>
        [
          `balancer ${balancer}`,
          makeApiService({ annotations: { 'kube-proxy-node/balancer': balancer } }),
          { balancer },
          [],
        ] as const,
    ),
    [
      'a balancer that there is not',
      makeApiService({ annotations: { 'kube-proxy-node/balancer': 'Least-Connections' } }),
      { balancer: 'round-robin' },
      [
        'metadata.annotations["kube-proxy-node/balancer"]: "Least-Connections" is none of "round-robin", ' +
          '"least-connections", "random-two-choices": "round-robin" is used',
      ],
    ],
    [
      'a balancer that is no text',
      makeApiService({ annotations: { 'kube-proxy-node/balancer': 2 } }),
      { balancer: 'round-robin' },
      ['metadata.annotations["kube-proxy-node/balancer"]: expected text, found 2'],
    ],
    [
      'limits of connections',
      makeApiService({
        annotations: { 'kube-proxy-node/max-connections': '1', 'kube-proxy-node/max-connections-per-client': '2000' },
      }),
      { maxConnections: 1, maxConnectionsPerClient: 2000 },
      [],
    ],
    ...['0', '-1', '1.5', '1e3', ' 5', 'many', '99999999999999999999'].map(
      limit =>
        [
          `a limit of ${limit}`,
          makeApiService({ annotations: { 'kube-proxy-node/max-connections': limit } }),
          { maxConnections: undefined, maxConnectionsPerClient: undefined },
          [
            `metadata.annotations["kube-proxy-node/max-connections"]: expected a whole number from 1, found "${limit}": no limit`,
          ],
        ] as const,
    ),
    [
      'a limit per client that is no text, beside a good one',
      makeApiService({
        annotations: { 'kube-proxy-node/max-connections': '7', 'kube-proxy-node/max-connections-per-client': 5 },
      }),
      { maxConnections: 7, maxConnectionsPerClient: undefined },
      ['metadata.annotations["kube-proxy-node/max-connections-per-client"]: expected text, found 5'],
    ],
    [
      'annotations of others',
      makeApiService({ annotations: { balancer: 'x', 'kube-proxy-node/other': 'y', 'example.com/balancer': 'z' } }),
      { balancer: 'round-robin' },
      [],
    ],
    [
      'internalTrafficPolicy Local',
      makeApiService({ spec: { internalTrafficPolicy: 'Local' } }),
      { internalPolicyLocal: true },
      [],
    ],
    [
      'internalTrafficPolicy Cluster',
      makeApiService({ spec: { internalTrafficPolicy: 'Cluster' } }),
      { internalPolicyLocal: false },
      [],
    ],
    [
      'an unknown internalTrafficPolicy',
      makeApiService({ spec: { internalTrafficPolicy: 'local' } }),
      { internalPolicyLocal: false },
      ['spec.internalTrafficPolicy: "local" is neither "Cluster" nor "Local": "Cluster" is used'],
    ],
  ]
  for (const [name, raw, expected, problems] of table) {
    const decoded = decodeService(raw)
    t.same(decoded.problems, problems, name)
    t.match(decoded.object, expected, name)
    for (const [field, value] of Object.entries(expected))
      t.same(decoded.object?.[field as 'ports'], value, `${name}: ${field}`)
  }
  t.end()
})

void t.test('An object with a name that is none is not used at all', t => {
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

void t.test('Every reading of the conditions of an endpoint', t => {
  const yes = { ready: true, serving: true, terminating: false }
  /** An absent `serving` counts as true (kube-proxy 1.36). */
  const table: readonly (readonly [conditions: unknown, expected: Partial<Endpoint>, problems?: readonly string[]])[] =
    [
      [undefined, yes],
      [null, yes],
      [{}, yes],
      [{ ready: null, serving: null, terminating: null }, yes],
      [{ ready: true }, yes],
      [{ ready: false }, { ready: false, serving: true, terminating: false }],
      [
        { ready: false, terminating: true },
        { ready: false, serving: true, terminating: true },
      ],
      [
        { ready: false, serving: true, terminating: true },
        { ready: false, serving: true, terminating: true },
      ],
      [
        { ready: false, serving: false, terminating: true },
        { ready: false, serving: false, terminating: true },
      ],
      [
        { ready: true, serving: false, terminating: true },
        { ready: true, serving: false, terminating: true },
      ],
      [{ ready: 'false' }, yes, ['endpoints[0].conditions.ready: expected true or false, found "false"']],
      [
        { serving: 'no', terminating: 1 },
        yes,
        [
          'endpoints[0].conditions.serving: expected true or false, found "no"',
          'endpoints[0].conditions.terminating: expected true or false, found 1',
        ],
      ],
    ]
  for (const [conditions, expected, problems = []] of table) {
    const decoded = decodeEndpointSlice(makeApiSlice({ endpoints: [{ addresses: ['10.244.0.5'], conditions }] }))
    const name = String(JSON.stringify(conditions))
    const { ready, serving, terminating } = decoded.object!.endpoints[0]!
    t.same({ ready, serving, terminating }, expected, name)
    t.same(decoded.problems, problems, name)
  }
  t.end()
})

void t.test('A wrong field of an EndpointSlice costs only itself, and is named', t => {
  const endpoints = (...list: unknown[]) => makeApiSlice({ endpoints: list as Record<string, unknown>[] })
  const ports = (...list: unknown[]) => makeApiSlice({ ports: list as Record<string, unknown>[] })
  const refused = (address: string, kind: string) =>
    `endpoints[0].addresses[0]: "${address}" is ${kind} address, which may not be an endpoint: endpoint refused`
  const table: readonly (readonly [name: string, raw: unknown, ips: readonly string[], problems: readonly string[]])[] =
    [
      ['endpoints that are null', { ...makeApiSlice(), endpoints: null }, [], []],
      ['an endpoint that is null', endpoints(null), [], []],
      ['addresses that are null', endpoints({ addresses: null }), [], []],
      ['no addresses', endpoints({ addresses: [] }), [], []],
      ['only the first address', endpoints({ addresses: ['10.244.0.5', '10.244.0.6'] }), ['10.244.0.5'], []],
      ['leading zeros', endpoints(makeApiEndpoint('010.244.000.05')), ['10.244.0.5'], []],
      [
        'no address, next to a good one',
        endpoints(makeApiEndpoint('nonsense'), makeApiEndpoint('10.244.0.6')),
        ['10.244.0.6'],
        ['endpoints[0].addresses[0]: "nonsense" is not an IP address: endpoint ignored'],
      ],
      [
        'an address that is a number',
        endpoints({ addresses: [167772161] }),
        [],
        ['endpoints[0].addresses[0]: 167772161 is not an IP address: endpoint ignored'],
      ],
      ['loopback', endpoints(makeApiEndpoint('127.0.0.1')), [], [refused('127.0.0.1', 'a loopback')]],
      [
        'loopback, mapped',
        endpoints(makeApiEndpoint('::ffff:127.0.0.1')),
        [],
        [refused('::ffff:127.0.0.1', 'a loopback')],
      ],
      [
        'loopback, mapped, in hex',
        endpoints(makeApiEndpoint('::FFFF:7f00:1')),
        [],
        [refused('::FFFF:7f00:1', 'a loopback')],
      ],
      ['link-local', endpoints(makeApiEndpoint('169.254.169.254')), [], [refused('169.254.169.254', 'a link-local')]],
      ['multicast', endpoints(makeApiEndpoint('224.0.0.1')), [], [refused('224.0.0.1', 'a multicast')]],
      ['broadcast', endpoints(makeApiEndpoint('255.255.255.255')), [], [refused('255.255.255.255', 'a broadcast')]],
      ['unspecified', endpoints(makeApiEndpoint('0.0.0.0')), [], [refused('0.0.0.0', 'an unspecified')]],
      [
        'ports without number',
        ports({ name: 'a' }, { name: 'b', port: null }, { name: 'c', port: 0 }),
        ['10.244.0.5'],
        [],
      ],
      [
        'a port of 70000',
        ports({ name: 'a', port: 70_000 }),
        ['10.244.0.5'],
        ['ports[0].port: expected a port from 1 to 65535, found 70000'],
      ],
      [
        'a protocol nobody knows',
        ports({ name: 'a', port: 80, protocol: 'QUIC' }),
        ['10.244.0.5'],
        ['ports[0].protocol: "QUIC" is none of TCP, UDP, SCTP'],
      ],
    ]
  for (const [name, raw, ips, problems] of table) {
    const decoded = decodeEndpointSlice(raw)
    t.same(
      decoded.object?.endpoints.map(({ ip }) => ip),
      ips,
      name,
    )
    t.same(decoded.problems, problems, name)
  }
  t.end()
})

void t.test('A slice that is of no use to a proxy is left out, with a word when that is a mistake', t => {
  const label = 'metadata.labels["kubernetes.io/service-name"]'
  const table: readonly (readonly [name: string, raw: unknown, problems: readonly string[]])[] = [
    ['FQDN', makeApiSlice({ addressType: 'FQDN' }), []],
    ['headless', { ...makeApiSlice(), metadata: { name: 'a', labels: { 'service.kubernetes.io/headless': '' } } }, []],
    [
      'another address type',
      makeApiSlice({ addressType: 'IP' }),
      ['addressType: "IP" is neither "IPv4" nor "IPv6": slice ignored'],
    ],
    ['no Service', makeApiSlice({ service: '' }), [`${label}: "" names no Service: slice ignored`]],
    [
      'a Service of another namespace',
      makeApiSlice({ service: 'a/b' }),
      [`${label}: "a/b" names no Service: slice ignored`],
    ],
    [
      'no labels at all',
      { ...makeApiSlice(), metadata: { name: 'a', labels: null } },
      [`${label}: "" names no Service: slice ignored`],
    ],
  ]
  for (const [name, raw, problems] of table) t.same(decodeEndpointSlice(raw), { object: undefined, problems }, name)
  t.end()
})

void t.test('The time of a change is read from its annotation, and ignored when it cannot be read', t => {
  const table: readonly (readonly [text: unknown, time: number | undefined])[] = [
    ['2024-05-06T07:08:09Z', Date.UTC(2024, 4, 6, 7, 8, 9)],
    ['2024-05-06T07:08:09.123456789Z', Date.UTC(2024, 4, 6, 7, 8, 9, 123)],
    ['2024-05-06T09:08:09+02:00', Date.UTC(2024, 4, 6, 7, 8, 9)],
    [undefined, undefined],
    ['', undefined],
    ['yesterday', undefined],
    ['2024-13-01T00:00:00Z', undefined],
    [7, undefined],
    [{ toString: 1 }, undefined],
  ]
  for (const [text, time] of table)
    t.equal(
      decodeEndpointSlice(makeApiSlice({ triggerTime: text as string })).object?.triggerTime,
      time,
      String(JSON.stringify(text)),
    )
  t.end()
})

void t.test('An Endpoints object is read as slices, one for each subset and family', t => {
  const { object, problems } = decodeEndpoints(
    makeApiEndpoints({
      subsets: [
        {
          addresses: [{ ip: '10.244.0.5', nodeName: 'node-a' }, { ip: 'fd00::5' }],
          notReadyAddresses: [{ ip: '10.244.0.6' }],
          ports: [
            { name: 'http', port: 8080 },
            { name: 'dns', port: 53, protocol: 'UDP' },
          ],
        },
        { addresses: null, ports: null },
        {
          addresses: [{ ip: '' }, { ip: '127.0.0.1' }],
          ports: [{ port: 70_000 }, { port: 1, protocol: 'QUIC' }, { port: 0 }],
        },
      ],
    }),
  )
  const yes = { ready: true, serving: true, terminating: false, zoneHints: [], nodeHints: [] }
  const ports = [
    { name: 'http', protocol: 'TCP', port: 8080 },
    { name: 'dns', protocol: 'UDP', port: 53 },
  ]
  t.match(object, [
    { serviceName: 'web', family: 'IPv4', ports, endpoints: [{ ip: '10.244.0.5', nodeName: 'node-a', ...yes }] },
    { serviceName: 'web', family: 'IPv6', ports, endpoints: [{ ip: 'fd00::5', nodeName: '', ...yes }] },
  ])
  t.equal(object?.length, 2)
  t.same(problems, [
    'subsets[2].ports[0].port: expected a port from 1 to 65535, found 70000',
    'subsets[2].ports[1].protocol: "QUIC" is none of TCP, UDP, SCTP',
    'subsets[2].ports[2].port: expected a port from 1 to 65535, found 0',
    'subsets[2].addresses[0].ip: "" is not an IP address: endpoint ignored',
    'subsets[2].addresses[1].ip: "127.0.0.1" is a loopback address, which may not be an endpoint: endpoint refused',
  ])
  t.end()
})

void t.test('Of a Node its zone and its addresses are read, those inside the cluster first', t => {
  const addresses = [
    { type: 'Hostname', address: 'node-a' },
    { type: 'ExternalIP', address: '203.0.113.5' },
    { type: 'InternalIP', address: '192.168.50.1' },
    { type: 'InternalIP', address: 'fd00::1' },
    { type: 'InternalIP', address: 'nonsense' },
    null,
  ] as Record<string, unknown>[]
  t.same(decodeNode(makeApiNode('node-a', { zone: 'zone-1', addresses })), {
    object: {
      name: 'node-a',
      zone: 'zone-1',
      addresses: ['192.168.50.1', 'fd00::1', '203.0.113.5'],
      podCIDRs: [],
      eligible: true,
    },
    problems: [],
  })
  t.same(decodeNode({ metadata: { name: 'node-a' } }).object, {
    name: 'node-a',
    zone: '',
    addresses: [],
    podCIDRs: [],
    eligible: true,
  })
  const leaving = (fields: object) => decodeNode({ metadata: { name: 'node-a' }, ...fields }).object?.eligible
  t.equal(leaving({ spec: { taints: [{ key: 'ToBeDeletedByClusterAutoscaler', effect: 'NoSchedule' }] } }), false)
  t.equal(leaving({ spec: { taints: [{ key: 'dedicated', effect: 'NoSchedule' }] } }), true)
  t.equal(leaving({ metadata: { name: 'node-a', deletionTimestamp: '2026-01-01T00:00:00Z' } }), false)
  t.same(
    decodeNode({ metadata: { name: 'node-a' }, spec: { podCIDRs: ['10.244.1.0/24', 'fd00:1::/64', 'x'] } }).object
      ?.podCIDRs,
    [
      { family: 'IPv4', network: '10.244.1.0', bits: 24 },
      { family: 'IPv6', network: 'fd00:1::', bits: 64 },
    ],
  )
  t.end()
})

void t.test('An endpoint is local when its node has our name, and never when we have none', t => {
  const slice = decodeEndpointSlice(
    makeApiSlice({
      endpoints: [
        makeApiEndpoint('10.244.0.1', { nodeName: 'node-a' }),
        makeApiEndpoint('10.244.0.2', { nodeName: 'node-b' }),
        makeApiEndpoint('10.244.0.3'),
        makeApiEndpoint('10.244.0.4', { nodeName: '' }),
      ],
    }),
  ).object!
  const port = { family: 'IPv4', portName: 'http', protocol: 'TCP' } as const
  const localTo = (nodeName: string): boolean[] => endpointsOf(port, [slice], nodeName).map(({ isLocal }) => isLocal)
  t.same(localTo('node-a'), [true, false, false, false])
  t.same(localTo(''), [false, false, false, false])
  t.end()
})

void t.test('Why a Service is not for us is said in words', t => {
  const table: readonly (readonly [name: string, raw: unknown, reason: string | undefined])[] = [
    ['an ordinary one', makeApiService(), undefined],
    ['one with other labels', makeApiService({ labels: { 'service.kubernetes.io/other': '' } }), undefined],
    [
      'of another proxy',
      makeApiService({ labels: { 'service.kubernetes.io/service-proxy-name': '' } }),
      'another proxy serves it (label service.kubernetes.io/service-proxy-name)',
    ],
    [
      'headless by its label',
      makeApiService({ labels: { 'service.kubernetes.io/headless': 'no' } }),
      'it is headless (label service.kubernetes.io/headless)',
    ],
    ['ExternalName', makeApiService({ spec: { type: 'ExternalName' } }), 'its type is ExternalName'],
    ['headless', makeApiService({ clusterIP: 'None' }), 'it is headless (clusterIP "None")'],
    [
      'headless, whatever else it says',
      makeApiService({ clusterIP: 'None', spec: { clusterIPs: ['10.96.0.10'] } }),
      'it is headless (clusterIP "None")',
    ],
    ['without cluster IP', makeApiService({ clusterIP: '' }), 'it has no cluster IP'],
    ['with one that is none', makeApiService({ clusterIP: 'x' }), 'it has no cluster IP'],
  ]
  for (const [name, raw, reason] of table) {
    const service = decodeService(raw).object!
    t.equal(ignoredReason(service), reason, name)
    t.equal(servicePorts(service, 'IPv4', false).length, reason === undefined ? 1 : 0, name)
  }
  t.end()
})

void t.test('Ten thousand endpoints are read, merged and sorted', t => {
  const many = Array.from({ length: 10_000 }, (_, i) => makeApiEndpoint(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`))
  const slices = [0, 1].map(half =>
    decodeEndpointSlice(
      makeApiSlice({ name: `web-${half}`, endpoints: many.filter((_, i) => i % 2 === half || i < 10) }),
    ),
  )
  t.same(
    slices.flatMap(({ problems }) => problems),
    [],
  )
  const merged = endpointsOf(
    { family: 'IPv4', portName: 'http', protocol: 'TCP' },
    slices.map(({ object }) => object!),
    'node-a',
  )
  t.equal(merged.length, 10_000)
  const keys = merged.map(({ ip, port }) => `${ip}:${port}`)
  t.same(
    keys,
    [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
  )
  t.end()
})

const seed = testSeed()

void t.test(`The order in which slices come never shows (SEED=${seed})`, t => {
  const random = seededRandom(seed)
  const flag = (): boolean => random() < 0.5
  for (let round = 0; round < 300; round++) {
    const slices = Array.from({ length: 4 }, (_, index) =>
      decodeEndpointSlice(
        makeApiSlice({
          name: `web-${index}`,
          endpoints: Array.from({ length: 5 }, () =>
            makeApiEndpoint(`10.244.0.${randomInt(random, 6)}`, {
              conditions: { ready: flag(), serving: flag(), terminating: flag() },
              nodeName: flag() ? 'node-a' : 'node-b',
            }),
          ),
        }),
      ),
    ).map(({ object }) => object!)
    const port = { family: 'IPv4', portName: 'http', protocol: 'TCP' } as const
    const inOrder = endpointsOf(port, slices, 'node-a')
    const shuffled = endpointsOf(
      port,
      [...slices].sort(() => random() - 0.5),
      'node-a',
    )
    if (JSON.stringify(inOrder) !== JSON.stringify(shuffled))
      return failAndEndTest(t, `round ${round}: ${JSON.stringify({ inOrder, shuffled })}`)
  }
  t.pass('300 rounds')
  t.end()
})

void t.test(`What is usable follows from the rules, whatever the endpoints (SEED=${seed})`, t => {
  const random = seededRandom(seed)
  const flag = (): boolean => random() < 0.5
  const names = (all: readonly string[]): string[] => all.filter(flag)
  const node = { name: 'node-a', zone: 'zone-1' }
  for (let round = 0; round < 5000; round++) {
    const hints = randomInt(random, 3)
    const endpoints: Endpoint[] = Array.from({ length: randomInt(random, 6) }, (_, index) => ({
      ip: `10.244.0.${index}`,
      port: 80,
      ready: flag(),
      serving: flag(),
      terminating: flag(),
      isLocal: flag(),
      zoneHints: hints === 0 ? [] : hints === 1 ? ['zone-1'] : names(['zone-1', 'zone-2']),
      nodeHints: hints === 0 ? [] : names(['node-a', 'node-b']),
    }))
    const internalPolicyLocal = flag()
    const externalPolicyLocal = flag()
    const nodePort = flag() ? 30080 : 0
    const policies = { internalPolicyLocal, externalPolicyLocal, nodePort, externalIPs: [], loadBalancerIPs: [] }
    const { cluster, local, hasAny } = usableEndpoints(policies, endpoints, node)
    const wrong =
      (internalPolicyLocal && nodePort === 0 ? undefined : findMistake(endpoints, cluster, false, hasAny)) ??
      (internalPolicyLocal || (externalPolicyLocal && nodePort !== 0)
        ? findMistake(endpoints, local, true, hasAny)
        : undefined)
    if (wrong !== undefined)
      return failAndEndTest(t, `${wrong}: ${JSON.stringify({ endpoints, cluster, local, hasAny })}`)
  }
  t.pass('5000 rounds')
  t.end()
})

/** Says what is wrong with a choice, from the rules alone. */
function findMistake(
  endpoints: readonly Endpoint[],
  chosen: readonly Endpoint[],
  localOnly: boolean,
  hasAny: boolean,
): string | undefined {
  const inScope = endpoints.filter(({ isLocal }) => isLocal || !localOnly)
  const ready = inScope.filter(endpoint => endpoint.ready)
  const fallback = inScope.filter(endpoint => endpoint.serving && endpoint.terminating)
  if (chosen.some(endpoint => !inScope.includes(endpoint))) return 'one that is out of scope'
  if (chosen.some(endpoint => !endpoint.ready && !(endpoint.serving && endpoint.terminating))) return 'one that is dead'
  if (ready.length > 0 && chosen.some(endpoint => !endpoint.ready)) return 'one that is not ready, next to a ready one'
  if (ready.length === 0 && chosen.length !== fallback.length) return 'not all that could still answer'
  if (ready.length > 0 && chosen.length === 0) return 'none, and one was ready'
  if (localOnly && chosen.length !== (ready.length || fallback.length)) return 'hints have to do with local traffic'
  if (hasAny !== endpoints.some(({ ready, serving, terminating }) => ready || (serving && terminating))) return 'hasAny'
  if (!localOnly && ready.length > 0) {
    const hinted = (hint: (endpoint: Endpoint) => readonly string[], ours: string): Endpoint[] | undefined =>
      ready.every(endpoint => hint(endpoint).length > 0) && ready.some(endpoint => hint(endpoint).includes(ours))
        ? ready.filter(endpoint => hint(endpoint).includes(ours))
        : undefined
    const expected = hinted(e => e.nodeHints, 'node-a') ?? hinted(e => e.zoneHints, 'zone-1') ?? ready
    if (JSON.stringify(expected) !== JSON.stringify(chosen)) return 'hints'
  }
  return undefined
}
