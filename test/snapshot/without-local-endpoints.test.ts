import t from 'tap'
import { withoutLocalEndpoints } from '../../lib/snapshot/without-local-endpoints.js'
import { type ServedPort } from '../../lib/model/snapshot.js'
import { makeServicePort } from '../support/model/make-service-port.js'
import { makeEndpoint } from '../support/model/make-endpoint.js'

function snapshotOf(...ports: readonly Pick<ServedPort, 'servicePort' | 'usable'>[]) {
  return {
    generation: 1,
    ports: new Map(ports.map((port, index) => [String(index), { endpoints: [], ...port }])),
  }
}

const REMOTE = { cluster: [], local: [], hasAny: true }

t.test('service ports are counted whose policy Local leaves no endpoint, by policy and family', t => {
  const internal = makeServicePort({ internalPolicyLocal: true })
  const external = makeServicePort({ externalPolicyLocal: true, nodePort: 30000 })
  const both = makeServicePort({ internalPolicyLocal: true, externalPolicyLocal: true, nodePort: 30001 })
  const snapshot = snapshotOf(
    { servicePort: internal, usable: REMOTE },
    { servicePort: external, usable: REMOTE },
    { servicePort: both, usable: REMOTE },
    { servicePort: { ...both, family: 'IPv6' }, usable: REMOTE },
  )
  t.strictSame(withoutLocalEndpoints(snapshot, 'IPv4'), { internal: 2, external: 2 })
  t.strictSame(withoutLocalEndpoints(snapshot, 'IPv6'), { internal: 1, external: 1 })
  t.end()
})

t.test('a service port is not counted that has a local endpoint, no endpoint at all, or no policy Local', t => {
  const local = makeServicePort({ internalPolicyLocal: true, externalPolicyLocal: true, nodePort: 30000 })
  const usable = { cluster: [], local: [makeEndpoint('10.244.0.5', { isLocal: true })], hasAny: true }
  const unreachable = makeServicePort({ externalPolicyLocal: true })
  const snapshot = snapshotOf(
    { servicePort: local, usable },
    { servicePort: local, usable: { cluster: [], local: [], hasAny: false } },
    { servicePort: makeServicePort({}), usable: REMOTE },
    { servicePort: unreachable, usable: REMOTE },
  )
  t.strictSame(withoutLocalEndpoints(snapshot, 'IPv4'), { internal: 0, external: 0 })
  t.end()
})
