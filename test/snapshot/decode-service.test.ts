import t from 'tap'
import { BALANCER_NAMES } from '../../lib/model/service-port.js'
import { decodeEndpointSlice } from '../../lib/snapshot/decode-endpoint-slice.js'
import { decodeService } from '../../lib/snapshot/decode-service.js'
import { makeApiEndpoint, makeApiService, makeApiSlice } from '../support/api/api-objects.js'

const DUAL = { clusterIPs: ['10.96.0.10', 'fd00:96::a'] }

void t.test('absent fields of a Service get their defaults', t => {
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

void t.test('addresses of a family without cluster IP are reported as wrong family, not as problems', t => {
  const ingress = (...ips: string[]) => ({ status: { loadBalancer: { ingress: ips.map(ip => ({ ip })) } } })
  const service = (spec: object, ...ips: string[]) => ({
    ...makeApiService({ spec: { type: 'LoadBalancer', ...spec } }),
    ...ingress(...ips),
  })
  const missing = (path: string, ip: string) =>
    `${path}: "${ip}" is IPv6, and the Service has no cluster IP of that family: ignored`
  const shutOut = (family: string) =>
    `spec.loadBalancerSourceRanges: no range is ${family}: no client may reach the ${family} addresses`
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
  t.strictSame(slice.wrongFamily, ['endpoints[0].addresses[0]: "fd00::5" is not an IPv4 address: endpoint ignored'])
  t.end()
})

void t.test('a wrong field of a Service is named and ignored alone', t => {
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
      ['spec.ports[1].name: "a" is used twice: port ignored'],
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
      'affinity without timeout',
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
