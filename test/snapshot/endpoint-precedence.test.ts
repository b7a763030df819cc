import t from 'tap'
import { type Endpoint } from '../../lib/model/endpoint.js'
import { endpointPrecedence } from '../../lib/snapshot/endpoint-precedence.js'
import { endpointsOf } from '../../lib/snapshot/endpoints.js'
import { usableEndpoints } from '../../lib/snapshot/usable-endpoints.js'
import { failAndEndTest } from '../support/checks/fail-and-end-test.js'
import { makeEndpoint } from '../support/model/make-endpoint.js'
import { makeServicePort } from '../support/model/make-service-port.js'
import { makeSlice } from '../support/model/make-slice.js'

const NODE = { name: 'node-a', zone: 'zone-1' }

/** Every entry goes before all that follow. */
const CONDITIONS: readonly (readonly [name: string, conditions: Partial<Endpoint>])[] = [
  ['ready', { ready: true, serving: true, terminating: false }],
  ['ready, terminating', { ready: true, serving: true, terminating: true }],
  ['last resort', { ready: false, serving: true, terminating: true }],
  ['not ready', { ready: false, serving: false, terminating: false }],
  ['terminating, not serving', { ready: false, serving: false, terminating: true }],
]
const PLACES: readonly (readonly [name: string, place: Partial<Endpoint>])[] = [
  ['here', { isLocal: true }],
  ['elsewhere', { isLocal: false }],
]
const HINTS: readonly (readonly [name: string, hints: Partial<Endpoint>])[] = [
  ['this node, this zone', { nodeHints: ['node-a'], zoneHints: ['zone-1'] }],
  ['this node', { nodeHints: ['node-a'] }],
  ['another node, this zone', { nodeHints: ['node-b'], zoneHints: ['zone-1'] }],
  ['this zone', { zoneHints: ['zone-1'] }],
  ['another node, another zone', { nodeHints: ['node-b'], zoneHints: ['zone-2'] }],
  ['another node', { nodeHints: ['node-b'] }],
  ['another zone', { zoneHints: ['zone-2'] }],
  ['none', {}],
]

void t.test('of two entries of one address, conditions decide before the place, and the place before hints', t => {
  const ordered = CONDITIONS.flatMap(([condition, conditions]) =>
    PLACES.flatMap(([place, isLocal]) =>
      HINTS.map(([hint, hints]) => ({
        name: `${condition}; ${place}; hints: ${hint}`,
        endpoint: makeEndpoint('10.244.0.1', { ...conditions, ...isLocal, ...hints }),
      })),
    ),
  )
  for (const [index, before] of ordered.entries()) {
    const precedence = endpointPrecedence(before.endpoint, NODE)
    for (const after of ordered.slice(index + 1))
      if (precedence <= endpointPrecedence(after.endpoint, NODE))
        return failAndEndTest(t, `"${before.name}" goes before "${after.name}"`)
  }
  t.equal(ordered.length, 80)
  t.end()
})

void t.test('an entry that cannot serve never hides one that can', t => {
  const servicePort = makeServicePort()
  for (const [first, conditions] of CONDITIONS)
    for (const [second, otherConditions] of CONDITIONS) {
      const entries = [
        { ...conditions, nodeName: 'node-a' },
        { ...otherConditions, nodeName: 'node-b' },
      ]
      const slices = entries.map((entry, index) => makeSlice([entry], { name: `web-${index}` }))
      const usable = usableEndpoints(servicePort, endpointsOf(servicePort, slices, NODE), NODE)
      const canServe = entries.some(({ ready, serving, terminating }) => ready === true || (serving && terminating))
      t.equal(usable.cluster.length > 0, canServe, `${first} here, ${second} elsewhere`)
    }
  t.end()
})

void t.test('of equal entries, the one whose slice comes first by name is used', t => {
  const servicePort = makeServicePort()
  const slice = (name: string) => makeSlice([{}], { name })
  const candidates = new Map<Endpoint, string>()
  const [used] = endpointsOf(servicePort, [slice('web-2'), slice('web-1')], NODE, (endpoint, { name }) =>
    candidates.set(endpoint, name),
  )
  t.equal(candidates.get(used!), 'web-1')
  t.end()
})
