import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type IpAddress, type IpFamily } from '../model/address.js'
import { type Cidr } from '../model/cidr.js'
import { type Mode } from '../modes/mode.js'
import { type NodeView } from '../modes/node-view.js'
import { plannedTables } from '../netfilter/rule-tables.js'
import { NodeManager } from '../node/node-manager.js'
import { buildSnapshot } from '../snapshot/build-snapshot.js'
import { EMPTY_SNAPSHOT } from '../model/snapshot.js'
import { explainEndpoints } from '../snapshot/explain-endpoints.js'
import { type ObjectStore } from '../snapshot/object-store.js'
import { type ExplainedState } from './explained-state.js'
import { knownServices } from './known-services.js'
import { listenerAt } from './listener-steps.js'
import { type NodeLayout } from './node-layout.js'

/** What a state is planned from. */
export interface PlanStateInput {
  readonly mode: Mode
  readonly config: KubeProxyConfig
  readonly store: ObjectStore
  readonly layout: NodeLayout
  readonly families: readonly IpFamily[]
  readonly notes: readonly string[]
  /** Plan only these Services, as `namespace/name`; left out: all. */
  readonly services?: readonly string[]
}

const NO_ROUTES: readonly Cidr[] = []

/** The state that a mode would bring a node to, which has no other rules. */
export function planState({
  mode,
  config,
  store,
  layout,
  families,
  notes,
  services = [...store.services.keys()],
}: PlanStateInput): ExplainedState {
  if (mode.forecast === undefined) throw new Error(`Mode ${mode.name} has no forecast`)
  const scope = { nodeName: config.nodeName, families, rangesAtNodePorts: config.rangesAtNodePorts }
  const all = { services: new Set(services), endpoints: new Set<string>(), node: true }
  const snapshot = buildSnapshot(store, all, scope, EMPTY_SNAPSHOT)
  const node = nodeView(config, store, layout)
  const forecast = mode.forecast({ config, snapshot, node, families })
  const identity = { name: config.nodeName, zone: store.node?.zone ?? '' }
  return {
    mode: mode.name,
    carriedBy: mode.carriedBy,
    rulesFrom: 'plan',
    rules: new Map([...forecast.rules].map(([family, rules]) => [family, plannedTables(rules)])),
    layout,
    known: knownServices(forecast.resolved, {
      services: store.services,
      localTraffic: family => node.getLocalTraffic(family),
      explainEndpoints: servicePort =>
        explainEndpoints(
          servicePort,
          store.slicesOf(`${servicePort.namespace}/${servicePort.name}`),
          identity,
          endpoint => forecast.findLeftOut(servicePort, endpoint),
        ),
    }),
    findListener: arrived => listenerAt(forecast.listeners, arrived),
    virtualServers: forecast.virtualServers,
    persisted: [],
    serviceAddresses: forecast.serviceAddresses,
    sets: forecast.sets,
    // The first connection of a client.
    secondsInList: () => 'never',
    canTurnBack: () => undefined,
    notes,
  }
}

/** The node as modes see it. */
function nodeView(config: KubeProxyConfig, store: ObjectStore, layout: NodeLayout): NodeView {
  const { addresses } = layout
  const interfaceOf = (ip: IpAddress | undefined): string | undefined =>
    addresses.find(address => address.ip === ip)?.interfaceName
  const defaultInterface = { IPv4: interfaceOf(layout.main.IPv4), IPv6: interfaceOf(layout.main.IPv6) }
  return new NodeManager(
    config,
    () => store.node,
    () => ({ addresses, defaultInterface }),
    () => NO_ROUTES,
  )
}
