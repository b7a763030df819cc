import { type DataPlane } from '../dataplane/data-plane.js'
import { type Log } from '../model/log.js'
import { drainOrphans } from './orphans.js'

/**
 * A data plane whose first plan takes over from workers that an earlier process left behind. Not before: until there is a
 * plan, they serve better than nobody.
 */
export function drainOrphansFirst(dataPlane: DataPlane, log: Log): DataPlane {
  let drained: Promise<void> | undefined
  return {
    apply: async plan => {
      drained ??= drainOrphans(log)
      await drained
      return dataPlane.apply(plan)
    },
    counts: () => dataPlane.counts(),
    reserveDescriptors: descriptors => dataPlane.reserveDescriptors(descriptors),
    drain: timeoutMs => dataPlane.drain(timeoutMs),
  }
}
