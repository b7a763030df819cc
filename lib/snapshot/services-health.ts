import { IP_FAMILIES, type IpAddress } from '../model/address.js'
import { type ServedPort, type ServiceSnapshot } from '../model/snapshot.js'

/** The health of a Service with external policy Local, which load balancers check on this node. */
export interface ServiceHealth {
  readonly namespace: string
  readonly name: string
  /** `healthCheckNodePort`, 1 to 65535. */
  readonly port: number
  /** Distinct IPs of ready endpoints on this node. */
  readonly localEndpoints: number
}

/**
 * The answers to load balancers for each Service with a health check port: the number of its ready endpoints on this node,
 * over all its ports (kube-proxy: LocalReadyEndpoints). Terminating endpoints do not count: the load balancer should
 * stop sending while they still serve.
 *
 * A Pod of a dual-stack Service is an endpoint in both families but counts once: the larger number of the two families.
 */
export function servicesHealth({ ports }: ServiceSnapshot): ServiceHealth[] {
  const ofService = new Map<string, ServedPort[]>()
  for (const served of ports.values()) {
    const { namespace, name, healthCheckNodePort } = served.servicePort
    if (healthCheckNodePort === 0) continue
    const key = `${namespace}/${name}`
    ofService.set(key, [...(ofService.get(key) ?? []), served])
  }
  return [...ofService.values()].map(all => {
    const { namespace, name, healthCheckNodePort: port } = all[0]!.servicePort
    return { namespace, name, port, localEndpoints: countLocal(all) }
  })
}

function countLocal(all: readonly ServedPort[]): number {
  const counts = IP_FAMILIES.map(family => {
    const ips = new Set<IpAddress>()
    for (const { servicePort, endpoints } of all)
      if (servicePort.family === family)
        for (const { ip, ready, isLocal } of endpoints) if (ready && isLocal) ips.add(ip)
    return ips.size
  })
  return Math.max(...counts)
}
