import { readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { type DataPlane } from '../dataplane/data-plane.js'
import { type Log } from '../model/log.js'

/**
 * Names of worker processes, as `ps` shows them. The state of an orphan stands in its name, since that is what a process that
 * knows nothing of it can see: workers whose control process was killed serve on, until the next control process takes over.
 */
export const WORKER_TITLE = 'kube-proxy worker'
export const ORPHAN_TITLE = 'kube-proxy worker, orphan'
export const LEAVING_TITLE = 'kube-proxy worker, leaving'

/** How long orphans are waited for: they close their listeners as soon as they are told to. */
const HANDOVER_TIMEOUT_MS = 1000
const POLL_MS = 2

/**
 * Has the workers of a control process that was killed leave: they close their listeners, so that the same ports can be opened
 * again, and end when their connections have. Only orphans obey, and only those of this network namespace are told.
 */
export async function drainOrphans(log: Log): Promise<void> {
  const orphans = findOrphanPids()
  if (orphans.length === 0) return
  log.info(0, 'Taking over from data-plane workers of an earlier process', { workers: orphans.length })
  for (const pid of orphans) sendSigterm(pid)
  const deadline = Date.now() + HANDOVER_TIMEOUT_MS
  while (orphans.some(pid => readTitle(pid) === ORPHAN_TITLE) && Date.now() < deadline) await pause(POLL_MS)
}

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

function findOrphanPids(): number[] {
  const here = readNetworkNamespace('self')
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name) && readTitle(name) === ORPHAN_TITLE && readNetworkNamespace(name) === here)
    .map(Number)
}

function sendSigterm(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM')
  } catch {
    // It has ended in the meantime.
  }
}

/** The command line without its arguments; empty for a process that is gone, or not ours to look at. */
function readTitle(pid: number | string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0]!
  } catch {
    return ''
  }
}

function readNetworkNamespace(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`)
  } catch {
    return undefined
  }
}
