import t from 'tap'
import { resolveAddressConflicts } from '../../lib/frontends/address-conflicts.js'
import { type FrontendKind, frontendsOf } from '../../lib/frontends/frontend.js'
import { type ServicePort } from '../../lib/model/service-port.js'
import { makeServicePort } from '../support/model/make-service-port.js'

const SHARED = ['203.0.113.7']

function resolve(...ports: Partial<ServicePort>[]) {
  const frontends = ports.flatMap((port, index) =>
    frontendsOf({
      servicePort: makeServicePort({ clusterIP: `10.96.0.1${index}`, ...port }),
      endpoints: [],
      usable: { cluster: [], local: [], hasAny: false },
    }),
  )
  const { served, conflicts } = resolveAddressConflicts(frontends)
  return {
    served: served.map(({ name, servicePort }) => `${servicePort.name}: ${name}`),
    conflicts: conflicts.map(
      ({ loser, winner, rule }) => `${winner.servicePort.name}, not ${loser.servicePort.name}: ${loser.name}: ${rule}`,
    ),
  }
}

/** A Service that uses the shared address, or the shared node port, as one kind. */
function use(kind: FrontendKind, name: string, createdAt: number): Partial<ServicePort> {
  const port = { name, createdAt, clusterIP: name === 'a' ? '10.96.0.1' : '10.96.0.2' }
  if (kind === 'cluster IP') return { ...port, clusterIP: SHARED[0]! }
  if (kind === 'external IP') return { ...port, externalIPs: SHARED }
  if (kind === 'load-balancer IP') return { ...port, loadBalancerIPs: SHARED }
  return { ...port, nodePort: 30080 }
}

t.test('between two kinds the kind decides, whichever Service is older or first by name', t => {
  const ordered = ['cluster IP', 'load-balancer IP', 'external IP'] as const
  for (const [index, kind] of ordered.entries())
    for (const other of ordered.slice(index + 1))
      for (const [age, otherAge] of [
        [1, 2],
        [2, 1],
        [0, 0],
      ] as const)
        for (const [name, otherName] of [
          ['a', 'b'],
          ['b', 'a'],
        ] as const)
          for (const pair of [
            [use(kind, name, age), use(other, otherName, otherAge)],
            [use(other, otherName, otherAge), use(kind, name, age)],
          ])
            t.match(
              resolve(...pair).conflicts,
              [
                new RegExp(
                  `^${name}, not ${otherName}: ${other} 203.0.113.7:80/TCP: a ${kind} goes before an? ${other}$`,
                ),
              ],
              `${kind} of ${name}, age ${age}; ${other} of ${otherName}, age ${otherAge}`,
            )
  t.end()
})

t.test('between two addresses of one kind the age decides, then the name', t => {
  for (const kind of ['cluster IP', 'load-balancer IP', 'external IP', 'node port'] as const) {
    const [first] = resolve(use(kind, 'a', 2), use(kind, 'b', 1)).conflicts
    t.match(first, /^b, not a: .*: the older Service is served$/, kind)
    const [second] = resolve(use(kind, 'b', 1), use(kind, 'a', 1)).conflicts
    t.match(second, /^a, not b: .*: the Service whose name comes first is served$/, kind)
  }
  t.end()
})

t.test('a node port meets node ports only', t => {
  for (const kind of ['cluster IP', 'load-balancer IP', 'external IP'] as const)
    t.strictSame(resolve({ ...use(kind, 'a', 1), port: 30080 }, use('node port', 'b', 1)).conflicts, [], kind)
  t.end()
})

t.test(
  'no other Service gets a port or protocol of a cluster IP, and the Service itself may list it in every way',
  t => {
    const owner = { name: 'owner', clusterIP: '10.96.0.10', createdAt: 2 }
    const rule = 'a cluster IP is served for its own Service only'
    const thief = { name: 'thief', clusterIP: '10.96.0.11', createdAt: 1 }
    t.strictSame(
      resolve(
        { ...thief, externalIPs: ['10.96.0.10'], port: 81 },
        { ...thief, loadBalancerIPs: ['10.96.0.10'], protocol: 'UDP' },
        owner,
      ),
      {
        served: [
          'thief: cluster IP 10.96.0.11:81/TCP',
          'thief: cluster IP 10.96.0.11:80/UDP',
          'owner: cluster IP 10.96.0.10:80/TCP',
        ],
        conflicts: [
          `owner, not thief: load-balancer IP 10.96.0.10:80/UDP: ${rule}`,
          `owner, not thief: external IP 10.96.0.10:81/TCP: ${rule}`,
        ],
      },
    )
    const more = { portName: 'more', port: 81 }
    t.strictSame(resolve(owner, { ...owner, ...more, externalIPs: ['10.96.0.10'] }), {
      served: ['owner: cluster IP 10.96.0.10:80/TCP', 'owner: cluster IP 10.96.0.10:81/TCP'],
      conflicts: [],
    })
    // Only manifests can give one cluster IP to two Services.
    t.strictSame(resolve(owner, { ...owner, name: 'second', port: 81 }).conflicts, [])
    t.end()
  },
)

t.test('the loser keeps its other addresses', t => {
  t.strictSame(
    resolve({ name: 'new', externalIPs: SHARED, createdAt: 2 }, { name: 'old', externalIPs: SHARED, createdAt: 1 }),
    {
      served: [
        'new: cluster IP 10.96.0.10:80/TCP',
        'old: cluster IP 10.96.0.11:80/TCP',
        'old: external IP 203.0.113.7:80/TCP',
      ],
      conflicts: ['old, not new: external IP 203.0.113.7:80/TCP: the older Service is served'],
    },
  )
  t.end()
})

t.test('another port, another protocol and an address that a Service names twice are no conflict', t => {
  const { served, conflicts } = resolve(
    { name: 'a', externalIPs: SHARED, loadBalancerIPs: SHARED },
    { name: 'b', externalIPs: SHARED, port: 81 },
    { name: 'c', externalIPs: SHARED, protocol: 'UDP' },
  )
  t.strictSame(conflicts, [])
  t.strictSame(
    served.filter(name => name.startsWith('a')),
    ['a: cluster IP 10.96.0.10:80/TCP', 'a: load-balancer IP 203.0.113.7:80/TCP'],
    'the source ranges of the load-balancer IP apply',
  )
  t.end()
})
