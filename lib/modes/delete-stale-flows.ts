import { type IpFamily } from '../model/address.js'
import { type Log } from '../model/log.js'
import { type Conntrack } from '../system/conntrack.js'
import { type ExpectedFlows, staleFlows } from './stale-flows.js'

/**
 * Deletes UDP flows from the kernel whose target the rules do not use any more. The kernel applies rules only to the first datagram of
 * a flow. Without this, a client that keeps its source port would keep sending to a listener or endpoint that is gone; a client that
 * started before its Service existed would never reach it.
 *
 * A failure is only logged, because the rules are written. The flows expire when their clients pause.
 */
export async function deleteStaleFlows(
  conntrack: Conntrack,
  family: IpFamily,
  getExpectedFlows: () => ExpectedFlows,
  log: Log,
): Promise<void> {
  try {
    const entries = await conntrack.listUdp(family)
    const stale = entries.length === 0 ? [] : staleFlows(entries, getExpectedFlows())
    if (stale.length === 0) return
    await conntrack.delete(stale)
    log.info(2, 'Deleted stale UDP flows', { family, flows: stale.length })
  } catch (error) {
    log.error('Cannot delete stale UDP flows', error, { family })
  }
}
