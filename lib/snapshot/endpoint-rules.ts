import { type Endpoint } from '../model/endpoint.js'
import { type EndpointReason, type TrafficKind } from '../model/endpoint-reason.js'
import { type ServicePort, isExternallyAccessible } from '../model/service-port.js'
import { isLastResort } from './endpoint-precedence.js'
import { type HintKind, type NodeIdentity, decidingTopologyHints, isHintedFor } from './topology-hints.js'

/** The fields of a service port that decide which endpoints it may use. */
export type TrafficPolicies = Pick<
  ServicePort,
  'internalPolicyLocal' | 'externalPolicyLocal' | 'nodePort' | 'externalIPs' | 'loadBalancerIPs'
>

/** What all endpoints of a service port together decide about each of them, for one kind of traffic. */
export interface TrafficRules {
  readonly node: NodeIdentity
  /** Whether the traffic must stay on this node. */
  readonly isLocal: boolean
  /** Whether the service port has traffic of this kind at all. */
  readonly hasTraffic: boolean
  /** Whether a ready endpoint may serve it. */
  readonly hasReady: boolean
  /** The hints that decide; undefined if none do. They count for traffic that may go to any node. */
  readonly hints: HintKind | undefined
}

/** The rules for both kinds of traffic. */
export interface EndpointRules extends Readonly<Record<TrafficKind, TrafficRules>> {
  readonly ready: readonly Endpoint[]
}

/** Works out the rules for one service port (kube-proxy 1.36: CategorizeEndpoints). */
export function endpointRules(
  servicePort: TrafficPolicies,
  endpoints: readonly Endpoint[],
  node: NodeIdentity,
): EndpointRules {
  const ready = endpoints.filter(endpoint => endpoint.ready)
  const isExternal = isExternallyAccessible(servicePort)
  // Also with an external policy of Local: clients inside the cluster go to all endpoints, whichever address they use.
  const hasCluster = !servicePort.internalPolicyLocal || isExternal
  const hasLocal = servicePort.internalPolicyLocal || (servicePort.externalPolicyLocal && isExternal)
  return {
    ready,
    cluster: {
      node,
      isLocal: false,
      hasTraffic: hasCluster,
      hasReady: ready.length > 0,
      hints: hasCluster ? decidingTopologyHints(ready, node) : undefined,
    },
    local: {
      node,
      isLocal: true,
      hasTraffic: hasLocal,
      hasReady: hasLocal && ready.some(endpoint => endpoint.isLocal),
      hints: undefined,
    },
  }
}

/**
 * Why an endpoint serves one kind of traffic, or why it does not. Per kind: the ready endpoints; if there is none, those that
 * are terminating but still serving (KEP-1669), so that a rolling update of the last Pod loses nothing.
 */
export function endpointReason(endpoint: Endpoint, rules: TrafficRules): EndpointReason {
  if (!rules.hasTraffic) return 'no-such-traffic'
  if (rules.isLocal && !endpoint.isLocal) return 'not-on-this-node'
  if (endpoint.ready) return readyReason(endpoint, rules)
  if (!isLastResort(endpoint)) return endpoint.terminating ? 'not-serving' : 'not-ready'
  return rules.hasReady ? 'terminating' : 'last-resort'
}

function readyReason(endpoint: Endpoint, { hints, node }: TrafficRules): EndpointReason {
  if (hints === undefined || isHintedFor(hints, endpoint, node)) return 'ready'
  return hints === 'node' ? 'other-node' : 'other-zone'
}
