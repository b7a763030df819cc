import { type IpFamily } from '../../model/address.js'
import { messageOf } from '../../model/failure.js'
import { type Log } from '../../model/log.js'
import { sameItems } from '../../rules/same-items.js'
import { type Conntrack } from '../../system/conntrack.js'
import { type LedDestination, staleFlows } from '../stale-flows.js'

/**
 * Has the kernel forget UDP flows to endpoints that are gone. IPVS and the rules are asked for the first datagram of a flow only,
 * and connection tracking leads the others. A Service without any endpoint is left alone, as in kube-proxy.
 *
 * A failure is no reason to call the Services unserved: it is told, and the flows end by themselves in time.
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
  try {
    const stale = staleFlows(await conntrack.listUdp(family), { portals, gone, nodeAddresses: new Set() })
    if (stale.length === 0) return
    await conntrack.delete(stale)
    log.info(2, 'Forgot UDP flows that led to nothing of ours', { family, flows: stale.length })
  } catch (error) {
    log.warn('Cannot look for stale UDP flows', { family, reason: messageOf(error) })
  }
}

function nameOf({ address, port }: LedDestination): string {
  return `${address} ${port}`
}
