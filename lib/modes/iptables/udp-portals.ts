import { type IpAddress } from '../../model/address.js'
import { type ServicePortKey } from '../../model/service-port.js'
import { type ServedPort } from '../../model/snapshot.js'
import { type Portal } from '../portals.js'
import { type FlowPortals, type LedDestination } from '../stale-flows.js'
import { type PlanInput } from './plan.js'

/** A portal of UDP with its service port. */
export interface UdpPortal {
  readonly portal: Portal
  readonly served: ServedPort
}

export function udpPortals({ ports, portals }: PlanInput): UdpPortal[] {
  const ofKey = new Map<ServicePortKey, ServedPort>()
  for (const served of ports) if (served.servicePort.protocol === 'UDP') ofKey.set(served.servicePort.key, served)
  if (ofKey.size === 0) return []
  return portals.flatMap(portal => {
    const served = ofKey.get(portal.servicePort.key)
    return served === undefined ? [] : [{ portal, served }]
  })
}

/**
 * Where UDP flows may lead. One to an endpoint that still answers stays, also when hints or a policy would send it elsewhere
 * today, and while it is being stopped; none stays where every packet is dropped.
 */
export function flowPortals(
  udp: readonly UdpPortal[],
  gone: readonly Portal[],
  { surroundings, localhostNodePorts }: PlanInput,
  own: readonly IpAddress[],
): FlowPortals {
  const loopback = localhostNodePorts ? ['127.0.0.1'] : []
  return {
    portals: udp.map(ledDestination),
    gone,
    nodeAddresses: new Set([...(surroundings.nodePortAddresses ?? own), ...loopback]),
  }
}

function ledDestination({ portal, served }: UdpPortal): LedDestination {
  const { address, port, fromNode, fromPods, fromElsewhere } = portal
  const isDropped = fromNode === 'drop' && fromPods === 'drop' && fromElsewhere === 'drop'
  const answering = served.endpoints.filter(({ ready, serving }) => ready || serving)
  return { address, port, listeners: isDropped ? [] : answering.map(end => ({ address: end.ip, port: end.port })) }
}
