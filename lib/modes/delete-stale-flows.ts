import { type IpFamily } from '../model/address.js'
import { type Log } from '../model/log.js'
import { type Conntrack } from '../system/conntrack.js'
import { type ExpectedFlows, staleFlows } from './stale-flows.js'

/**
 * Has the kernel forget UDP flows that lead where the rules no longer lead. Rules are asked only for the first packet of a
 * flow; a client that keeps its port would go on sending to a listener or endpoint that is gone, or, if it began before its
 * Service was there, to nobody, for as long as it does not pause.
 *
 * A failure is no reason to call the rules unwritten: it is told, and the flows end by themselves in time.
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
    log.info(2, 'Forgot UDP flows that led to nothing of ours', { family, flows: stale.length })
  } catch (error) {
    log.error('Cannot look for stale UDP flows', error, { family })
  }
}
