import t from 'tap'
import { endpointKey } from '../../lib/model/endpoint.js'
import { type EndpointSliceEndpoint, type EndpointSliceObject, type RefusedEndpoint } from '../../lib/model/objects.js'
import { endpointsOf } from '../../lib/snapshot/endpoints.js'
import { decodeEndpointSlice } from '../../lib/snapshot/decode-endpoint-slice.js'
import { explainEndpoints } from '../../lib/snapshot/explain-endpoints.js'
import { usableEndpoints } from '../../lib/snapshot/usable-endpoints.js'
import { makeApiEndpoint, makeApiSlice } from '../support/api/api-objects.js'
import { failAndEndTest } from '../support/checks/fail-and-end-test.js'
import { randomInt, seededRandom, testSeed } from '../support/checks/seeded-random.js'
import { makeServicePort } from '../support/model/make-service-port.js'
import { makeSlice } from '../support/model/make-slice.js'

const NODE = { name: 'node-a', zone: 'zone-1' }
const NOT_READY = { ready: false, serving: false, terminating: false }
const TERMINATING = { ready: false, serving: true, terminating: true }
const GONE = { ready: false, serving: false, terminating: true }
const HERE = { nodeName: 'node-a' }

type Given = Partial<EndpointSliceEndpoint>

void t.test('each endpoint has a reason for cluster and for local traffic', t => {
  const local = makeServicePort({ internalPolicyLocal: true })
  const both = makeServicePort({ externalPolicyLocal: true, nodePort: 30080 })
  const [zone1, zone2] = [{ zoneHints: ['zone-1'] }, { zoneHints: ['zone-2', 'zone-3'] }]
  const [node1, node2] = [{ nodeHints: ['node-a'] }, { nodeHints: ['node-b'] }]
  const table: readonly (readonly [
    name: string,
    given: readonly Given[],
    cluster: readonly string[],
    local?: readonly string[],
    servicePort?: typeof both,
  ])[] = [
    ['ready', [{}], ['ready']],
    ['not ready', [{}, NOT_READY], ['ready', 'not-ready']],
    ['terminating beside a ready one', [{}, TERMINATING, GONE], ['ready', 'terminating', 'not-serving']],
    ['all terminating', [TERMINATING, GONE, NOT_READY], ['last-resort', 'not-serving', 'not-ready']],
    ['hints for this zone', [zone1, zone2], ['ready', 'other-zone']],
    ['hints for this node', [node1, node2], ['ready', 'other-node']],
    [
      'node hints before zone hints',
      [
        { ...node1, ...zone2 },
        { ...node2, ...zone1 },
      ],
      ['ready', 'other-node'],
    ],
    [
      'hints of other nodes only, then zone hints',
      [
        { ...node2, ...zone2 },
        { ...node2, ...zone1 },
      ],
      ['other-zone', 'ready'],
    ],
    ['hints for other zones only', [zone2, zone2], ['ready', 'ready']],
    ['hints with one missing', [zone1, {}, zone2], ['ready', 'ready', 'ready']],
    ['a terminating endpoint needs no hint', [zone1, zone2, TERMINATING], ['ready', 'other-zone', 'terminating']],
    ['internal policy Local', [HERE, {}], ['no-such-traffic', 'no-such-traffic'], ['ready', 'not-on-this-node'], local],
    ['external policy Local', [HERE, {}], ['ready', 'ready'], ['ready', 'not-on-this-node'], both],
    [
      'external policy Local, ready only on another node',
      [{ ...HERE, ...TERMINATING }, {}],
      ['terminating', 'ready'],
      ['last-resort', 'not-on-this-node'],
      both,
    ],
    [
      'local traffic without hints',
      [{ ...HERE, ...zone2 }, zone1],
      ['other-zone', 'ready'],
      ['ready', 'not-on-this-node'],
      both,
    ],
  ]
  for (const [name, given, cluster, local, servicePort = makeServicePort()] of table) {
    const { endpoints } = explainEndpoints(servicePort, [makeSlice(given)], NODE)
    t.same(
      endpoints.map(({ cluster }) => cluster.reason),
      cluster,
      name,
    )
    t.same(
      endpoints.map(({ local }) => local.reason),
      local ?? given.map(() => 'no-such-traffic'),
      `${name}: local`,
    )
  }
  t.end()
})

void t.test('hints of a port are on, or have a reason why they are not', t => {
  const [zone1, zone2] = [{ zoneHints: ['zone-1'] }, { zoneHints: ['zone-2'] }]
  const table: readonly (readonly [
    name: string,
    given: readonly Given[],
    state: string,
    text: string,
    zone?: string,
  ])[] = [
    ['for this zone', [zone1, zone2], 'on', 'only endpoints with a hint for zone "zone-1" are used'],
    ['no endpoint', [], 'no-ready-endpoint', 'no endpoint is ready, so hints do not count'],
    [
      'no ready endpoint',
      [{ ...zone1, ...TERMINATING }],
      'no-ready-endpoint',
      'no endpoint is ready, so hints do not count',
    ],
    ['no hint', [{}, {}], 'absent', 'no ready endpoint has a zone hint'],
    ['one missing', [zone1, {}], 'incomplete', 'hints are ignored: endpoint 10.244.0.2:8080 has no zone hint'],
    ['other zones', [zone2], 'none-for-this-node', 'hints are ignored: no ready endpoint has a hint for zone "zone-1"'],
    ['an unknown zone', [zone1], 'zone-unknown', 'hints are ignored: the zone of this node is unknown', ''],
  ]
  for (const [name, given, state, text, zone = 'zone-1'] of table) {
    const { hints } = explainEndpoints(makeServicePort(), [makeSlice(given)], { ...NODE, zone })
    t.same(hints.zone, { state, text }, name)
  }
  const { hints } = explainEndpoints(makeServicePort(), [makeSlice([{ nodeHints: ['node-b'] }])], NODE)
  t.same(hints.node, {
    state: 'none-for-this-node',
    text: 'hints are ignored: no ready endpoint has a hint for node "node-a"',
  })
  t.end()
})

void t.test('the traffic of a port has ready endpoints, endpoints of last resort, or none', t => {
  const both = makeServicePort({ externalPolicyLocal: true, nodePort: 30080 })
  const table: readonly (readonly [name: string, given: readonly Given[], cluster: string, local: string])[] = [
    ['no endpoint', [], 'none', 'none'],
    ['not ready', [{ ...HERE, ...NOT_READY }], 'none', 'none'],
    ['ready here', [HERE], 'ready', 'ready'],
    ['ready on another node', [{}], 'ready', 'remote-only'],
    ['terminating on another node', [TERMINATING], 'last-resort', 'remote-only'],
    ['terminating here, ready on another node', [{ ...HERE, ...TERMINATING }, {}], 'ready', 'last-resort'],
  ]
  for (const [name, given, cluster, local] of table)
    t.same(explainEndpoints(both, [makeSlice(given)], NODE).traffic, { cluster, local }, name)
  t.same(explainEndpoints(makeServicePort(), [makeSlice([{}])], NODE).traffic.local, 'no-such-traffic')
  t.end()
})

void t.test('an entry of a slice that is no endpoint of the port has a reason', t => {
  const servicePort = makeServicePort({ portName: 'http' })
  const http = { ports: [{ name: 'http', protocol: 'TCP', port: 8080 }] } as const
  const explain = (...slices: EndpointSliceObject[]) =>
    explainEndpoints(servicePort, slices, NODE).endpoints.map(({ address, slice, cluster, local }) => {
      t.same(cluster.reason === 'ready' ? cluster : local, cluster, 'the same for both kinds, unless it is used')
      return `${address} of ${slice}: ${cluster.text}`
    })
  t.same(
    explain(makeSlice([{}], { ...http, name: 'b' }), makeSlice([NOT_READY], { ...http, name: 'a' }))
      .slice()
      .sort(),
    ['10.244.0.1:8080 of a: not used: a duplicate of an entry of slice "b"', '10.244.0.1:8080 of b: used: ready'],
  )
  t.same(explain(makeSlice([{}], { ports: [{ name: 'http', protocol: 'UDP', port: 53 }] })), [
    '10.244.0.1 of web-1: not used: its slice has no port "http" of protocol TCP',
  ])
  t.same(explain(makeSlice([{}], { family: 'IPv6' })), [], 'a slice of the other family')
  const raw = makeApiSlice({
    endpoints: ['10.244.0.1', '127.0.0.1', 'fd00::5', 'x\u001b[31m'].map(ip => makeApiEndpoint(ip)),
  })
  t.same(explain(decodeEndpointSlice(raw).object!), [
    '"x\\u001b[31m" of web-1: refused: not an IP address',
    '10.244.0.1:8080 of web-1: used: ready',
    '127.0.0.1 of web-1: refused: a loopback address, which may not be an endpoint',
    'fd00::5 of web-1: refused: not an IPv4 address',
  ])
  t.end()
})

void t.test('an endpoint that is an address of a Service is not used, and named', t => {
  const explained = explainEndpoints(makeServicePort(), [makeSlice([{}, {}, NOT_READY])], NODE, ({ ip }) =>
    ip === '10.244.0.1' ? undefined : { reason: 'service-address', detail: 'cluster IP of default/other' },
  )
  t.same(
    explained.endpoints.map(({ cluster }) => cluster.text),
    [
      'used: ready',
      'not used: it is an address of a Service, cluster IP of default/other, and traffic would go in a loop',
      'not used: not ready',
    ],
  )
  t.end()
})

const seed = testSeed()

void t.test(`explanation and choice agree, for random slices (SEED=${seed})`, t => {
  const random = seededRandom(seed)
  const flag = (): boolean => random() < 0.5
  const some = (all: readonly string[]): string[] => all.filter(flag)
  const pick = <T>(all: readonly T[]): T => all[randomInt(random, all.length)]!
  const seen = new Set<string>()
  for (let round = 0; round < 5000; round++) {
    const hintAll = flag()
    const hintsOf = (names: readonly string[]): string[] => (hintAll ? [pick(names), ...some(names)] : some(names))
    const slices = Array.from({ length: randomInt(random, 4) }, (_, index) =>
      makeSlice(
        Array.from({ length: randomInt(random, 5) }, () => ({
          ip: `10.244.0.${randomInt(random, 8)}`,
          ready: flag(),
          serving: flag(),
          terminating: flag(),
          nodeName: pick(['node-a', 'node-b', '']),
          isPod: flag(),
          zoneHints: hintsOf(['zone-1', 'zone-2']),
          nodeHints: flag() ? [] : hintsOf(['node-a', 'node-b']),
        })),
        {
          name: `web-${index}`,
          family: random() < 0.1 ? 'IPv6' : 'IPv4',
          ports: random() < 0.1 ? [] : [{ name: '', protocol: 'TCP', port: pick([8080, 8081]) }],
          ...(random() < 0.2 && { refused: [{ address: '127.0.0.1', why: 'loopback' }] satisfies RefusedEndpoint[] }),
        },
      ),
    )
    const servicePort = makeServicePort({
      internalPolicyLocal: flag(),
      externalPolicyLocal: flag(),
      nodePort: flag() ? 30080 : 0,
    })
    const node = { name: pick(['node-a', 'node-c']), zone: pick(['zone-1', 'zone-9', '']) }
    const usable = usableEndpoints(servicePort, endpointsOf(servicePort, slices, node), node)
    const { endpoints, traffic } = explainEndpoints(servicePort, slices, node)
    for (const kind of ['cluster', 'local'] as const) {
      const used = endpoints.filter(endpoint => endpoint[kind].isUsed).map(({ address }) => address)
      const expected = usable[kind].map(endpointKey)
      if (JSON.stringify(used) !== JSON.stringify(expected))
        return failAndEndTest(t, `${kind}: ${JSON.stringify({ slices, servicePort, node, used, expected })}`)
      const isServed = traffic[kind] === 'ready' || traffic[kind] === 'last-resort'
      if (isServed !== expected.length > 0)
        return failAndEndTest(t, `${kind} is "${traffic[kind]}": ${expected.join()}`)
      for (const endpoint of endpoints) seen.add(endpoint[kind].reason)
    }
    const entries = slices.filter(({ family }) => family === 'IPv4')
    const count = entries.reduce((sum, { endpoints, refused = [] }) => sum + endpoints.length + refused.length, 0)
    if (endpoints.length !== count) return failAndEndTest(t, `${count} entries, ${endpoints.length} explained`)
  }
  t.equal(seen.size, 12, `every reason but those of FrontendTable has come up: ${[...seen].sort().join(' ')}`)
  t.end()
})
