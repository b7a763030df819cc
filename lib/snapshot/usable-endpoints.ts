import { type Endpoint } from '../model/endpoint.js'
import { type ServicePort, isExternallyAccessible } from '../model/service-port.js'
import { type UsableEndpoints } from '../model/snapshot.js'

/** Where the proxy runs: what zone and node hints are compared with. */
export interface NodeIdentity {
  readonly name: string
  /** Empty when unknown. */
  readonly zone: string
}

/**
 * Which of a service port's endpoints may be used (kube-proxy 1.36: CategorizeEndpoints).
 *
 * Per kind of traffic: the ready endpoints; if there is none, those that are terminating but still serving (KEP-1669), so
 * that a rolling update of the last Pod loses nothing. Never one that is not ready and not terminating.
 */
export function usableEndpoints(
  servicePort: TrafficPolicies,
  endpoints: readonly Endpoint[],
  node: NodeIdentity,
): UsableEndpoints {
  const lastResort = endpoints.filter(endpoint => endpoint.serving && endpoint.terminating)
  const ready = endpoints.filter(endpoint => endpoint.ready)
  const isOutside = isExternallyAccessible(servicePort)
  // Also with an external policy of Local: clients inside the cluster go to all endpoints, whichever address they use.
  const usesCluster = !servicePort.internalPolicyLocal || isOutside
  const usesLocal = servicePort.internalPolicyLocal || (servicePort.externalPolicyLocal && isOutside)
  return {
    cluster: usesCluster ? orElse(hinted(ready, node), lastResort) : [],
    local: usesLocal ? orElse(ready.filter(isLocal), lastResort.filter(isLocal)) : [],
    hasAny: ready.length > 0 || lastResort.length > 0,
  }
}

type TrafficPolicies = Pick<
  ServicePort,
  'internalPolicyLocal' | 'externalPolicyLocal' | 'nodePort' | 'externalIPs' | 'loadBalancerIPs'
>

function isLocal(endpoint: Endpoint): boolean {
  return endpoint.isLocal
}

/**
 * Topology hints, all or nothing (KEP-2433, KEP-3015): they count only when every ready endpoint has one and some
 * endpoint is meant for us. A hint missing anywhere, or nothing for our zone, switches them off for the whole port.
 */
function hinted(ready: readonly Endpoint[], node: NodeIdentity): readonly Endpoint[] {
  const forNode = ready.filter(endpoint => endpoint.nodeHints.includes(node.name))
  if (forNode.length > 0 && ready.every(endpoint => endpoint.nodeHints.length > 0)) return forNode
  const forZone = ready.filter(endpoint => endpoint.zoneHints.includes(node.zone))
  if (forZone.length > 0 && ready.every(endpoint => endpoint.zoneHints.length > 0)) return forZone
  return ready
}

function orElse<T>(list: readonly T[], fallback: readonly T[]): readonly T[] {
  return list.length > 0 ? list : fallback
}
