import { type IpFamily } from '../../model/address.js'
import { type Log } from '../../model/log.js'
import { sameItems } from '../../primitives/reuse-equal.js'
import { type Conntrack } from '../../system/conntrack.js'
import { deleteStaleFlows } from '../delete-stale-flows.js'
import { type FlowTarget } from '../stale-flows.js'

/**
 * Deletes UDP flows to endpoints that are gone. The kernel uses IPVS and rules only for the first datagram of a flow, and connection
 * tracking for the others. Flows of a Service without any endpoint are kept, as in kube-proxy.
 *
 * @param previous what was served before; if nothing has changed, the flows are not read
 */
export async function deleteFlows(
  conntrack: Conntrack,
  family: IpFamily,
  served: readonly FlowTarget[],
  previous: readonly FlowTarget[],
  log: Log,
): Promise<void> {
  if (sameItems(served, previous)) return
  const servedKeys = new Set(served.map(addressKey))
  const removed = previous.filter(target => !servedKeys.has(addressKey(target)))
  const targets = served.filter(({ replySources }) => replySources.length > 0)
  await deleteStaleFlows(conntrack, family, () => ({ targets, removed, nodeAddresses: new Set() }), log)
}

function addressKey({ address, port }: FlowTarget): string {
  return `${address} ${port}`
}
