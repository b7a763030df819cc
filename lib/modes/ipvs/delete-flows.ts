import { type IpFamily } from '../../model/address.js'
import { type Log } from '../../model/log.js'
import { sameItems } from '../../primitives/reuse-equal.js'
import { type Conntrack } from '../../system/conntrack.js'
import { deleteStaleFlows } from '../delete-stale-flows.js'
import { type FlowTarget } from '../stale-flows.js'

/**
 * Has the kernel forget UDP flows to endpoints that are gone. IPVS and the rules are asked for the first datagram of a flow only,
 * and connection tracking leads the others. A Service without any endpoint is left alone, as in kube-proxy.
 *
 * @param previous what was served until now; where it is the same, nothing is looked for
 */
export async function deleteFlows(
  conntrack: Conntrack,
  family: IpFamily,
  served: readonly FlowTarget[],
  previous: readonly FlowTarget[],
  log: Log,
): Promise<void> {
  if (sameItems(served, previous)) return
  const names = new Set(served.map(addressKey))
  const removed = previous.filter(destination => !names.has(addressKey(destination)))
  const targets = served.filter(({ replySources }) => replySources.length > 0)
  await deleteStaleFlows(conntrack, family, () => ({ targets, removed, nodeAddresses: new Set() }), log)
}

function addressKey({ address, port }: FlowTarget): string {
  return `${address} ${port}`
}
