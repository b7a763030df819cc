import { type IpAddress } from '../../model/address.js'
import { type ServicePortKey } from '../../model/service-port.js'
import { type ServedPort } from '../../model/snapshot.js'
import { type Frontend } from '../../frontends/frontend.js'
import { type ExpectedFlows, type FlowTarget } from '../stale-flows.js'
import { type PlanInput } from './plan.js'

/** A portal of UDP with its service port. */
export interface UdpFrontend {
  readonly frontend: Frontend
  readonly served: ServedPort
}

export function udpFrontends({ ports, frontends }: PlanInput): UdpFrontend[] {
  const byKey = new Map<ServicePortKey, ServedPort>()
  for (const served of ports) if (served.servicePort.protocol === 'UDP') byKey.set(served.servicePort.key, served)
  if (byKey.size === 0) return []
  return frontends.flatMap(frontend => {
    const served = byKey.get(frontend.servicePort.key)
    return served === undefined ? [] : [{ frontend, served }]
  })
}

/**
 * Where UDP flows may lead. One to an endpoint that still answers stays, also when hints or a policy would send it elsewhere
 * today, and while it is being stopped; none stays where every packet is dropped.
 */
export function expectedFlows(
  udp: readonly UdpFrontend[],
  removed: readonly Frontend[],
  { localTraffic, localhostNodePorts }: PlanInput,
  nodeAddresses: readonly IpAddress[],
): ExpectedFlows {
  const loopback = localhostNodePorts ? ['127.0.0.1'] : []
  return {
    targets: udp.map(flowTarget),
    removed,
    nodeAddresses: new Set([...(localTraffic.nodePortAddresses ?? nodeAddresses), ...loopback]),
  }
}

function flowTarget({ frontend, served }: UdpFrontend): FlowTarget {
  const { address, port, fromNode, fromPods, fromExternal } = frontend
  const isDropped = fromNode === 'drop' && fromPods === 'drop' && fromExternal === 'drop'
  const answering = served.endpoints.filter(({ ready, serving }) => ready || serving)
  return { address, port, replySources: isDropped ? [] : answering.map(end => ({ address: end.ip, port: end.port })) }
}
