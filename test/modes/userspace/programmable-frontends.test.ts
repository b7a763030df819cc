import t from 'tap'
import { type ListenerSpec } from '../../../lib/dataplane/listener-plan.js'
import { type Frontend, frontendsOf } from '../../../lib/frontends/frontend.js'
import { type ServicePort } from '../../../lib/model/service-port.js'
import { ListenerKeys } from '../../../lib/modes/userspace/listener-keys.js'
import {
  type ProgrammedFrontend,
  type UsableListeners,
  programmableFrontends,
} from '../../../lib/modes/userspace/programmable-frontends.js'
import { makeEndpoint } from '../../support/model/make-endpoint.js'
import { makeServicePort } from '../../support/model/make-service-port.js'

const NODE = '192.168.50.1'
const KEY = makeServicePort().key
const LOCAL_KEY = `${KEY}#local`
const ENDPOINTS = [makeEndpoint('10.244.0.5', { isLocal: true })]

/** The frontends of a Service with one endpoint, which is on this node. */
function makeFrontends(given: Partial<ServicePort> = {}): readonly Frontend[] {
  const usable = { cluster: ENDPOINTS, local: ENDPOINTS, hasAny: true }
  return frontendsOf({ servicePort: makeServicePort(given), endpoints: ENDPOINTS, usable })
}

/** Listeners on the node's address; those with a port are open. */
function makeListeners(ports: Readonly<Record<string, number>>, given: Partial<UsableListeners> = {}): UsableListeners {
  const specs = [KEY, LOCAL_KEY].map((key): [string, ListenerSpec] => [
    key,
    {
      ...{ key, namespace: 'default', service: 'web', portName: '', protocol: 'TCP', address: NODE, port: 0 },
      ...{ endpoints: ENDPOINTS, affinityMs: undefined, balancer: 'round-robin', sourceRanges: undefined },
      ...{ maxConnections: undefined, maxConnectionsPerClient: undefined, holdsNodePort: false },
    },
  ])
  return {
    specs: new Map(specs),
    open: new Map(Object.entries(ports)),
    keys: new ListenerKeys(),
    servesNodePorts: () => true,
    ...given,
  }
}

/** The kinds of frontends that are programmable, with the ports of their listeners. */
function kindsOf(found: ReadonlyMap<string, ProgrammedFrontend>): Record<string, readonly number[]> {
  return Object.fromEntries([...found.values()].map(({ resolved, ports }) => [resolved.frontend.kind, ports]))
}

t.test('a frontend is programmable once all of its listeners are open', t => {
  const all = makeFrontends({ externalIPs: ['203.0.113.7'], externalPolicyLocal: true })
  const kinds = (ports: Readonly<Record<string, number>>) =>
    kindsOf(programmableFrontends(all, makeListeners(ports), new Map()))
  t.strictSame(kinds({}), {})
  t.strictSame(kinds({ [KEY]: 40_001 }), { 'cluster IP': [40_001] })
  t.strictSame(kinds({ [LOCAL_KEY]: 40_002 }), {})
  t.strictSame(kinds({ [KEY]: 40_001, [LOCAL_KEY]: 40_002 }), {
    'cluster IP': [40_001],
    'external IP': [40_001, 40_002],
  })
  const both = programmableFrontends(all, makeListeners({ [KEY]: 40_001, [LOCAL_KEY]: 40_002 }), new Map())
  const external = [...both.values()].find(({ resolved }) => resolved.frontend.kind === 'external IP')!
  t.strictSame(external.resolved.fromPods, { address: NODE, port: 40_001 })
  t.strictSame(external.resolved.fromExternal, { address: NODE, port: 40_002 })
  t.end()
})

t.test('a frontend that leads to the same listeners is the same object as before', t => {
  const listeners = makeListeners({ [KEY]: 40_001 })
  const first = programmableFrontends(makeFrontends(), listeners, new Map())
  const [[name, before]] = [...first] as [[string, ProgrammedFrontend]]
  const next = (given: Partial<UsableListeners>) =>
    programmableFrontends(makeFrontends(), { ...listeners, ...given }, first).get(name)
  t.equal(next({}), before, 'also if the snapshot is another one')

  const moved = next({ open: new Map([[KEY, 40_003]]) })!
  t.strictSame(moved.ports, [40_003])
  t.not(moved.fingerprint, before.fingerprint)

  const replaced = next({ specs: makeListeners({}).specs })!
  t.not(replaced, before, 'it has the specs of the listeners that are held now')
  t.equal(replaced.fingerprint, before.fingerprint, 'but its rules are the same')

  t.equal(next({ open: new Map() }), undefined)
  t.end()
})

t.test('a proxy port lets in clients as a NodePort only if it is this NodePort, at an address that serves it', t => {
  const isNodePort = (port: number, servesNodePorts: boolean) => {
    const listeners = makeListeners({ [KEY]: port }, { servesNodePorts: () => servesNodePorts })
    const found = programmableFrontends(makeFrontends({ nodePort: 30_080 }), listeners, new Map())
    const nodePort = [...found.values()].find(({ resolved }) => resolved.frontend.kind === 'node port')
    return nodePort?.proxyPorts[0]?.isNodePort
  }
  t.equal(isNodePort(30_080, true), true)
  t.equal(isNodePort(40_001, true), false)
  t.equal(isNodePort(30_080, false), false)
  t.end()
})

t.test('a listener on all addresses has no proxy port to protect', t => {
  const listeners = makeListeners({ [KEY]: 40_001 })
  const spec = { ...listeners.specs.get(KEY)!, address: '0.0.0.0' }
  const found = programmableFrontends(makeFrontends(), { ...listeners, specs: new Map([[KEY, spec]]) }, new Map())
  t.strictSame(
    [...found.values()].map(({ proxyPorts }) => proxyPorts),
    [[]],
  )
  t.end()
})
