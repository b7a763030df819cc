import { type IpFamily } from '../../model/address.js'
import { type Log } from '../../model/log.js'
import { sameItems } from '../../rules/same-items.js'
import { type Conntrack } from '../../system/conntrack.js'
import { forgetStaleFlows } from '../forget-stale-flows.js'
import { type LedDestination } from '../stale-flows.js'

/**
 * Has the kernel forget UDP flows to endpoints that are gone. IPVS and the rules are asked for the first datagram of a flow only,
 * and connection tracking leads the others. A Service without any endpoint is left alone, as in kube-proxy.
 *
 * @param before what was served until now; where it is the same, nothing is looked for
 */
export async function forgetFlows(
  conntrack: Conntrack,
  family: IpFamily,
  served: readonly LedDestination[],
  before: readonly LedDestination[],
  log: Log,
): Promise<void> {
  if (sameItems(served, before)) return
  const names = new Set(served.map(nameOf))
  const gone = before.filter(destination => !names.has(nameOf(destination)))
  const portals = served.filter(({ listeners }) => listeners.length > 0)
  await forgetStaleFlows(conntrack, family, () => ({ portals, gone, nodeAddresses: new Set() }), log)
}

function nameOf({ address, port }: LedDestination): string {
  return `${address} ${port}`
}
