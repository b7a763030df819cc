import { sameItems } from '../../primitives/reuse-equal.js'
import { type FlowProtocol } from '../../system/conntrack.js'
import { type FlowChange } from '../stale-flow-cleanup.js'
import { type FlowTarget, flowAddressKey } from '../stale-flows.js'

/**
 * Compares what is served with what was served before. The kernel uses IPVS and rules only for the first packet of a flow, and connection
 * tracking for the others. So every change of UDP counts; of TCP only new addresses do, because clients may wait for them.
 */
export function flowChange(
  served: readonly FlowTarget[],
  previous: readonly FlowTarget[],
): Omit<FlowChange, 'isRepair'> {
  const isUdp = ({ protocol }: FlowTarget): boolean => protocol === 'UDP'
  const [servedKeys, previousKeys] = [keysOf(served), keysOf(previous)]
  const protocols: FlowProtocol[] = []
  if (!sameItems(served.filter(isUdp), previous.filter(isUdp))) protocols.push('UDP')
  if (served.some(target => target.protocol === 'TCP' && !previousKeys.has(flowAddressKey(target))))
    protocols.push('TCP')
  return { protocols, removed: previous.filter(target => isUdp(target) && !servedKeys.has(flowAddressKey(target))) }
}

function keysOf(targets: readonly FlowTarget[]): Set<string> {
  return new Set(targets.map(flowAddressKey))
}
