import t from 'tap'
import { type Endpoint } from '../../lib/model/endpoint.js'
import { decodeEndpointSlice } from '../../lib/snapshot/decode-endpoint-slice.js'
import { makeApiEndpoint, makeApiSlice } from '../support/api/api-objects.js'

void t.test('the conditions of an endpoint, absent, right and wrong', t => {
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

void t.test('a wrong field of an EndpointSlice is named and ignored alone', t => {
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
        'an unknown protocol',
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

void t.test('a slice of no use to a proxy is ignored, with a problem when that is a mistake', t => {
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

void t.test('the trigger time of a change is read from its annotation; an unreadable one is ignored', t => {
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
