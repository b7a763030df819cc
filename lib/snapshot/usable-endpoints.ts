import { type Endpoint } from '../model/endpoint.js'
import { isUsed } from '../model/endpoint-reason.js'
import { type UsableEndpoints } from '../model/snapshot.js'
import { isLastResort } from './endpoint-precedence.js'
import { type TrafficPolicies, type TrafficRules, endpointReason, endpointRules } from './endpoint-rules.js'
import { type NodeIdentity } from './topology-hints.js'

/**
 * Which of a service port's endpoints may be used, for each kind of traffic. `endpointReason` decides for one endpoint, and
 * `explainEndpoints` reports its reasons.
 */
export function usableEndpoints(
  servicePort: TrafficPolicies,
  endpoints: readonly Endpoint[],
  node: NodeIdentity,
): UsableEndpoints {
  const rules = endpointRules(servicePort, endpoints, node)
  return {
    cluster: select(endpoints, rules.cluster),
    local: select(endpoints, rules.local),
    hasAny: rules.ready.length > 0 || endpoints.some(isLastResort),
  }
}

/** Most service ports have traffic of one kind only. */
function select(endpoints: readonly Endpoint[], rules: TrafficRules): readonly Endpoint[] {
  return rules.hasTraffic ? endpoints.filter(endpoint => isUsed(endpointReason(endpoint, rules))) : []
}
