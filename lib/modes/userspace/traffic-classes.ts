import { type ListenerSpec } from '../../dataplane/listener-plan.js'
import { type IpAddress } from '../../model/address.js'
import { type Cidr, cidrContains } from '../../model/cidr.js'
import { type ServicePort, type ServicePortKey, isExternallyAccessible } from '../../model/service-port.js'
import { type ServedPort } from '../../model/snapshot.js'
import { type TrafficClass } from '../../frontends/frontend.js'

/**
 * The entrances that the addresses of a service port call for. Each has a listener of its own: a listener cannot see which
 * address a client asked for.
 */
export function trafficClassesOf(port: ServicePort): TrafficClass[] {
  const isExternal = isExternallyAccessible(port)
  const isFirewalled = port.rangesAtNodePort || (port.sourceRanges !== undefined && port.loadBalancerIPs.length > 0)
  const isExternalLocal = isExternal && port.externalPolicyLocal
  const classes: TrafficClass[] = []
  // With policy Local, clients inside the cluster still go to all endpoints.
  if (!port.internalPolicyLocal || isExternal) classes.push('cluster')
  if (port.internalPolicyLocal || isExternalLocal) classes.push('local')
  if (isFirewalled) classes.push('cluster-firewalled')
  if (isFirewalled && port.externalPolicyLocal) classes.push('local-firewalled')
  return classes
}

/** The key of an entrance's listener; that of `cluster` is the service port's own. */
export function listenerKey(key: ServicePortKey, trafficClass: TrafficClass): string {
  return trafficClass === 'cluster' ? key : `${key}#${trafficClass}`
}

/** The endpoints that an entrance leads to, in the order they take turns. */
export function trafficClassEndpoints({ usable }: ServedPort, trafficClass: TrafficClass): ListenerSpec['endpoints'] {
  return trafficClass === 'cluster' || trafficClass === 'cluster-firewalled' ? usable.cluster : usable.local
}

/**
 * Who may use an entrance; undefined: everybody. A node that is itself in the ranges reaches a load-balancer IP that is one
 * of its own addresses with that very address as source.
 */
export function trafficClassSourceRanges(
  port: ServicePort,
  trafficClass: TrafficClass,
  nodeAddress: IpAddress,
): readonly Cidr[] | undefined {
  if (port.sourceRanges === undefined || (trafficClass !== 'cluster-firewalled' && trafficClass !== 'local-firewalled'))
    return undefined
  if (!port.sourceRanges.some(range => cidrContains(range, nodeAddress))) return port.sourceRanges
  const bits = port.family === 'IPv4' ? 32 : 128
  return [...port.sourceRanges, ...port.loadBalancerIPs.map(network => ({ family: port.family, network, bits }))]
}
