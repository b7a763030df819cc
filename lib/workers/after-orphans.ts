import { type DataPlane } from '../dataplane/data-plane.js'
import { type Log } from '../model/log.js'
import { relieveOrphans } from './orphans.js'

/**
 * A data plane whose first plan takes over from workers that an earlier process left behind. Not before: until there is a
 * plan, they serve better than nobody.
 */
export function afterOrphans(dataPlane: DataPlane, log: Log): DataPlane {
  let relieved: Promise<void> | undefined
  return {
    apply: async plan => {
      relieved ??= relieveOrphans(log)
      await relieved
      return dataPlane.apply(plan)
    },
    counts: () => dataPlane.counts(),
    reserve: descriptors => dataPlane.reserve(descriptors),
    drain: timeoutMs => dataPlane.drain(timeoutMs),
  }
}
