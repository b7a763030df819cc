import { type IpAddress } from '../../model/address.js'
import { type ServicePortKey } from '../../model/service-port.js'
import { type ServedPort } from '../../model/snapshot.js'
import { type Frontend } from '../../frontends/frontend.js'
import { type ExpectedFlows, type FlowTarget } from '../stale-flows.js'
import { type PlanInput } from './plan.js'

/** A UDP frontend with its service port. */
export interface UdpFrontend {
  readonly frontend: Frontend
  readonly served: ServedPort
}

/** The UDP frontends of a plan's input. */
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
 * Where UDP flows may go. A flow to an endpoint that still answers stays, even if a hint or a policy would now send it to
 * another endpoint, and even while its endpoint terminates. No flow stays where all packets are dropped.
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
  return { address, port, replySources: isDropped ? [] : answering.map(({ ip, port }) => ({ address: ip, port })) }
}
