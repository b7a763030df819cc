import { type IpAddress } from '../../model/address.js'
import { type ServicePortKey } from '../../model/service-port.js'
import { type ServedPort } from '../../model/snapshot.js'
import { type Frontend } from '../../frontends/frontend.js'
import { type ExpectedFlows, type FlowTarget, flowAddress } from '../stale-flows.js'
import { type PlanInput } from './plan.js'

/** A frontend with its service port. */
export interface FlowFrontend {
  readonly frontend: Frontend
  readonly served: ServedPort
}

/** The frontends of a plan's input, of one protocol. */
export function flowFrontends({ ports, frontends }: PlanInput, protocol: 'TCP' | 'UDP'): FlowFrontend[] {
  const byKey = new Map<ServicePortKey, ServedPort>()
  for (const served of ports) if (served.servicePort.protocol === protocol) byKey.set(served.servicePort.key, served)
  if (byKey.size === 0) return []
  return frontends.flatMap(frontend => {
    const served = byKey.get(frontend.servicePort.key)
    return served === undefined ? [] : [{ frontend, served }]
  })
}

/**
 * Where flows may go. A flow to an endpoint that still answers stays, even if a hint or a policy would now send it to another
 * endpoint, and even while its endpoint terminates. No flow stays where all packets are dropped.
 */
export function expectedFlows(
  frontends: readonly FlowFrontend[],
  { localTraffic, localhostNodePorts }: PlanInput,
  nodeAddresses: readonly IpAddress[],
): Omit<ExpectedFlows, 'removed'> {
  const loopback = localhostNodePorts ? ['127.0.0.1'] : []
  return {
    targets: frontends.map(flowTarget),
    nodeAddresses: new Set([...(localTraffic.nodePortAddresses ?? nodeAddresses), ...loopback]),
  }
}

function flowTarget({ frontend, served }: FlowFrontend): FlowTarget {
  const { fromNode, fromPods, fromExternal } = frontend
  const isDropped = fromNode === 'drop' && fromPods === 'drop' && fromExternal === 'drop'
  const answering = served.endpoints.filter(({ ready, serving }) => ready || serving)
  const replySources = isDropped ? [] : answering.map(({ ip, port }) => ({ address: ip, port }))
  return { ...flowAddress(frontend), replySources }
}
