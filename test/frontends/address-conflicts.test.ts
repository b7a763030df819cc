import t from 'tap'
import { resolveAddressConflicts } from '../../lib/frontends/address-conflicts.js'
import { frontendsOf } from '../../lib/frontends/frontend.js'
import { type ServicePort } from '../../lib/model/service-port.js'
import { makeServicePort } from '../support/model/make-service-port.js'

const SHARED = ['203.0.113.7']

function frontendsOfAll(...ports: Partial<ServicePort>[]) {
  return ports.flatMap((port, index) =>
    frontendsOf({
      servicePort: makeServicePort({ clusterIP: `10.96.0.1${index}`, ...port }),
      endpoints: [],
      usable: { cluster: [], local: [], hasAny: false },
    }),
  )
}

function resolve(...ports: Partial<ServicePort>[]) {
  const { served, conflicts } = resolveAddressConflicts(frontendsOfAll(...ports))
  return {
    served: served.map(({ name, servicePort }) => `${servicePort.name}: ${name}`),
    conflicts: conflicts.map(
      ({ loser, winner }) => `${winner.servicePort.name}, not ${loser.servicePort.name}: ${loser.name}`,
    ),
  }
}

t.test('the older Service gets an address that two use, and the other keeps the rest', t => {
  t.strictSame(
    resolve({ name: 'new', externalIPs: SHARED, createdAt: 2 }, { name: 'old', externalIPs: SHARED, createdAt: 1 }),
    {
      served: [
        'new: cluster IP 10.96.0.10:80/TCP',
        'old: cluster IP 10.96.0.11:80/TCP',
        'old: external IP 203.0.113.7:80/TCP',
      ],
      conflicts: ['old, not new: external IP 203.0.113.7:80/TCP'],
    },
  )
  t.end()
})

t.test('of two Services of the same age the first by name gets the node port', t => {
  const { conflicts } = resolve({ name: 'b', nodePort: 30080 }, { name: 'a', nodePort: 30080 })
  t.strictSame(conflicts, ['a, not b: node port 30080/TCP'])
  t.end()
})

t.test('another port, another protocol and an address that a Service names twice are no conflict', t => {
  const { conflicts } = resolve(
    { name: 'a', externalIPs: SHARED, loadBalancerIPs: SHARED },
    { name: 'b', externalIPs: SHARED, port: 81 },
    { name: 'c', externalIPs: SHARED, protocol: 'UDP' },
  )
  t.strictSame(conflicts, [])
  t.end()
})
