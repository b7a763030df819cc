import { readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { type DataPlane } from '../dataplane/data-plane.js'
import { type Log } from '../model/log.js'

/*
 * Workers whose control process was killed keep serving until the next control process takes over. The next control process
 * finds them by their title, which shows their state.
 */

/** The title of a worker process, as `ps` shows it. */
export const WORKER_TITLE = 'kube-proxy worker'
/** The title of a worker that serves although its control process has exited. */
export const ORPHAN_TITLE = 'kube-proxy worker, orphan'
/** The title of an orphan that has closed its listeners, and exits when its connections have ended. */
export const LEAVING_TITLE = 'kube-proxy worker, leaving'

/** How long to wait for orphans: they close their listeners as soon as they get the signal. */
const HANDOVER_TIMEOUT_MS = 1000
const POLL_MS = 2

/**
 * Drains the workers of a control process that was killed: they close their listeners, so that this process can open the same
 * ports, and exit when their connections have ended. Only orphans of this network namespace get the signal; other workers
 * ignore it.
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
 * Returns a data plane that drains the orphans of an earlier process before its first plan. Not earlier: without a plan this
 * process cannot serve their clients.
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
    get problem() {
      return dataPlane.problem
    },
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
    // The process has exited in the meantime.
  }
}

/** The command line without its arguments; empty if the process has exited, or if this process may not read it. */
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
