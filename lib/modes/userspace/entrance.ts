import { type ListenerSpec } from '../../dataplane/listener-plan.js'
import { type IpAddress } from '../../model/address.js'
import { type Cidr, cidrContains } from '../../model/cidr.js'
import { type ServicePort, type ServicePortKey, isExternallyAccessible } from '../../model/service-port.js'
import { type ServedPort } from '../../model/snapshot.js'
import { type Entrance } from '../portals.js'

/**
 * The entrances that the addresses of a service port call for. Each has a listener of its own: a listener cannot see which
 * address a client asked for.
 */
export function entrancesOf(port: ServicePort): Entrance[] {
  const isOutside = isExternallyAccessible(port)
  const isRanged = port.rangesAtNodePort || (port.sourceRanges !== undefined && port.loadBalancerIPs.length > 0)
  const localOutside = isOutside && port.externalPolicyLocal
  const entrances: Entrance[] = []
  // With policy Local, clients inside the cluster still go to all endpoints.
  if (!port.internalPolicyLocal || isOutside) entrances.push('cluster')
  if (port.internalPolicyLocal || localOutside) entrances.push('local')
  if (isRanged) entrances.push('ranged')
  if (isRanged && port.externalPolicyLocal) entrances.push('ranged-local')
  return entrances
}

/** The key of an entrance's listener; that of `cluster` is the service port's own. */
export function entranceKey(key: ServicePortKey, entrance: Entrance): string {
  return entrance === 'cluster' ? key : `${key}#${entrance}`
}

/** The endpoints that an entrance leads to, in the order they take turns. */
export function endpointsOfEntrance({ usable }: ServedPort, entrance: Entrance): ListenerSpec['endpoints'] {
  return entrance === 'cluster' || entrance === 'ranged' ? usable.cluster : usable.local
}

/**
 * Who may use an entrance; undefined: everybody. A node that is itself in the ranges reaches a load-balancer IP that is one
 * of its own addresses with that very address as source.
 */
export function clientsOfEntrance(
  port: ServicePort,
  entrance: Entrance,
  nodeAddress: IpAddress,
): readonly Cidr[] | undefined {
  if (port.sourceRanges === undefined || (entrance !== 'ranged' && entrance !== 'ranged-local')) return undefined
  if (!port.sourceRanges.some(range => cidrContains(range, nodeAddress))) return port.sourceRanges
  const bits = port.family === 'IPv4' ? 32 : 128
  return [...port.sourceRanges, ...port.loadBalancerIPs.map(network => ({ family: port.family, network, bits }))]
}
