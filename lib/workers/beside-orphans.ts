import { setTimeout as pause } from 'node:timers/promises'
import { type DataPlane } from '../dataplane/data-plane.js'
import { type Log } from '../model/log.js'
import { deleteEntriesOfOrphans, drainOrphans, releaseNodePortsOfOrphans } from './orphans.js'

/**
 * How long orphans serve on after the rules lead to this process, in milliseconds: they accept the connections that the kernel has
 * already queued for them. Closing the listener would reset these.
 */
const QUEUE_MS = 100

/**
 * Returns a data plane that opens its listeners beside those of orphans, on other ports, so that the rules always lead to a process
 * that listens: first to the orphans, then to this one. `drainReplacedOrphans` ends the orphans. Before the first plan they release
 * what this process needs, and not earlier: without a plan it cannot serve.
 * @param portCount how many proxy ports there may be; undefined: the kernel chooses them
 */
export function besideOrphans(dataPlane: DataPlane, portCount: number | undefined, log: Log): DataPlane {
  let prepared: Promise<unknown> | undefined
  return {
    apply: async plan => {
      // Without a second port for each listener, this process needs those of the orphans. New clients are refused for a moment.
      const hasPortsForBoth = portCount === undefined || portCount >= 2 * plan.size
      prepared ??= hasPortsForBoth ? releaseNodePortsOfOrphans(log) : drainOrphans(log)
      await prepared
      return dataPlane.apply(plan)
    },
    endWaits: () => dataPlane.endWaits?.(),
    counts: () => dataPlane.counts(),
    inspect: request => dataPlane.inspect(request),
    ...(dataPlane.workerProfiles === undefined ? {} : { workerProfiles: dataPlane.workerProfiles }),
    get problem() {
      return dataPlane.problem
    },
    reserveDescriptors: descriptors => dataPlane.reserveDescriptors(descriptors),
    changeSettings: settings => dataPlane.changeSettings?.(settings),
    drain: timeoutMs => dataPlane.drain(timeoutMs),
  }
}

/** Drains the orphans: the rules of this process are in the kernel, whatever its mode. Never rejects. */
export async function drainReplacedOrphans(log: Log): Promise<void> {
  try {
    await pause(QUEUE_MS, undefined, { ref: false })
    await drainOrphans(log)
    await deleteEntriesOfOrphans(log)
  } catch (error) {
    log.error('Cannot end the data-plane workers of an earlier process', error)
  }
}
