import { type IpFamily } from '../model/address.js'
import { isExternallyAccessible } from '../model/service-port.js'
import { type ServiceSnapshot } from '../model/snapshot.js'

/**
 * How many service ports of a family drop traffic here because of a traffic policy `Local`: they have endpoints, but none on this node
 * (kube-proxy 1.36: sync_proxy_rules_no_local_endpoints_total).
 */
export function withoutLocalEndpoints(
  { ports }: ServiceSnapshot,
  family: IpFamily,
): { readonly internal: number; readonly external: number } {
  let [internal, external] = [0, 0]
  for (const { servicePort, usable } of ports.values()) {
    if (servicePort.family !== family || !usable.hasAny || usable.local.length > 0) continue
    if (servicePort.internalPolicyLocal) internal++
    if (servicePort.externalPolicyLocal && isExternallyAccessible(servicePort)) external++
  }
  return { internal, external }
}
