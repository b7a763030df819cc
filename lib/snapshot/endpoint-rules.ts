import { type Endpoint } from '../model/endpoint.js'
import { type EndpointReason, type TrafficKind } from '../model/endpoint-reason.js'
import { type ServicePort, isExternallyAccessible } from '../model/service-port.js'
import { isLastResort } from './endpoint-precedence.js'
import { type NodeIdentity, type TopologyHints, isHintedFor, topologyHints } from './topology-hints.js'

/** The fields of a service port that decide which endpoints it may use. */
export type TrafficPolicies = Pick<
  ServicePort,
  'internalPolicyLocal' | 'externalPolicyLocal' | 'nodePort' | 'externalIPs' | 'loadBalancerIPs'
>

/** What all endpoints of a service port together decide about each of them. */
export interface EndpointRules {
  readonly node: NodeIdentity
  readonly ready: readonly Endpoint[]
  /** Whether the service port has traffic of this kind at all. */
  readonly hasTraffic: Readonly<Record<TrafficKind, boolean>>
  /** Whether a ready endpoint may serve traffic of this kind. */
  readonly hasReady: Readonly<Record<TrafficKind, boolean>>
  readonly hints: TopologyHints
}

/** Works out the rules for one service port (kube-proxy 1.36: CategorizeEndpoints). */
export function endpointRules(
  servicePort: TrafficPolicies,
  endpoints: readonly Endpoint[],
  node: NodeIdentity,
): EndpointRules {
  const ready = endpoints.filter(endpoint => endpoint.ready)
  const isExternal = isExternallyAccessible(servicePort)
  return {
    node,
    ready,
    hasTraffic: {
      // Also with an external policy of Local: clients inside the cluster go to all endpoints, whichever address they use.
      cluster: !servicePort.internalPolicyLocal || isExternal,
      local: servicePort.internalPolicyLocal || (servicePort.externalPolicyLocal && isExternal),
    },
    hasReady: { cluster: ready.length > 0, local: ready.some(endpoint => endpoint.isLocal) },
    hints: topologyHints(ready, node),
  }
}

/**
 * Why an endpoint serves one kind of traffic, or why it does not. Per kind: the ready endpoints; if there is none, those that
 * are terminating but still serving (KEP-1669), so that a rolling update of the last Pod loses nothing.
 */
export function endpointReason(endpoint: Endpoint, kind: TrafficKind, rules: EndpointRules): EndpointReason {
  if (!rules.hasTraffic[kind]) return 'no-such-traffic'
  if (kind === 'local' && !endpoint.isLocal) return 'not-on-this-node'
  if (endpoint.ready) return kind === 'local' ? 'ready' : readyReason(endpoint, rules)
  if (!isLastResort(endpoint)) return endpoint.terminating ? 'not-serving' : 'not-ready'
  return rules.hasReady[kind] ? 'terminating' : 'last-resort'
}

/** Hints of nodes come before those of zones (KEP-3015). They count for traffic that may go to any node. */
function readyReason(endpoint: Endpoint, { hints, node }: EndpointRules): EndpointReason {
  if (hints.node.isOn) return isHintedFor('node', endpoint, node) ? 'ready' : 'other-node'
  if (hints.zone.isOn) return isHintedFor('zone', endpoint, node) ? 'ready' : 'other-zone'
  return 'ready'
}
