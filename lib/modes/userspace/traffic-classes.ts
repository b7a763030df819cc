import { type ListenerSpec } from '../../dataplane/listener-plan.js'
import { type IpAddress } from '../../model/address.js'
import { type Cidr, cidrContains } from '../../model/cidr.js'
import { type ServicePort, type ServicePortKey, isExternallyAccessible } from '../../model/service-port.js'
import { type ServedPort } from '../../model/snapshot.js'
import { type TrafficClass } from '../../frontends/frontend.js'

/**
 * The traffic classes that the addresses of a service port need. Each class has a listener of its own, because a listener
 * cannot see which address a client connected to.
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

/** The key of a traffic class's listener; for `cluster` it is the key of the service port. */
export function listenerKey(key: ServicePortKey, trafficClass: TrafficClass): string {
  return trafficClass === 'cluster' ? key : `${key}#${trafficClass}`
}

/** The endpoints that serve a traffic class, in the order of round-robin. */
export function trafficClassEndpoints({ usable }: ServedPort, trafficClass: TrafficClass): ListenerSpec['endpoints'] {
  return trafficClass === 'cluster' || trafficClass === 'cluster-firewalled' ? usable.cluster : usable.local
}

/**
 * The source ranges of clients that a traffic class serves; undefined: all clients. A node in the ranges uses a load-balancer
 * IP that is one of its own addresses as the source of packets to that IP, so that source is allowed too.
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
