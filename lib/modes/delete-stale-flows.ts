import { type IpFamily } from '../model/address.js'
import { type Log } from '../model/log.js'
import { type OnceReporter } from '../primitives/once-reporter.js'
import { type Conntrack, type FlowProtocol } from '../system/conntrack.js'
import { type ExpectedFlows, staleFlows } from './stale-flows.js'

/**
 * Deletes flows from the kernel whose target the rules do not use any more. The kernel applies rules only to the first packet of a
 * flow. Without this, a UDP client that keeps its source port would keep sending to a listener or endpoint that is gone. A client
 * that started before its Service existed would never reach it, neither with UDP nor with TCP from a fixed port.
 *
 * @param problem reports a failure once while it lasts
 * @returns how many flows were deleted, and whether these are all; if not, the caller has to try again
 */
export async function deleteStaleFlows(
  conntrack: Conntrack,
  family: IpFamily,
  protocols: Iterable<FlowProtocol>,
  expected: ExpectedFlows,
  log: Log,
  problem: OnceReporter,
): Promise<{ readonly deleted: number; readonly isComplete: boolean }> {
  let [deleted, isComplete] = [0, true]
  try {
    for (const protocol of protocols) {
      const entries = await conntrack.list(family, protocol)
      const stale = entries.length === 0 ? [] : staleFlows(entries, expected)
      if (stale.length === 0) continue
      const left = await conntrack.delete(stale)
      isComplete &&= left === 0
      deleted += stale.length - left
      log.info(2, 'Deleted stale flows', { family, protocol, flows: stale.length - left })
    }
    problem.clear()
    return { deleted, isComplete }
  } catch (error) {
    problem.updateOne('failed', () =>
      log.error('Cannot delete stale flows; the next check of the rules tries again', error, { family }),
    )
    return { deleted, isComplete: false }
  }
}
