import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { type DataPlane } from '../dataplane/data-plane.js'
import { type Log } from '../model/log.js'
import {
  type ProcessFacts,
  holdsBoundSocket,
  listProcessIds,
  readProcessFacts,
  readStartTime,
} from '../system/process-facts.js'
import { isOrphan, LEAVING_TITLE } from './is-orphan.js'

/*
 * Workers whose control process was killed keep serving until the next control process takes over.
 */

/**
 * How long workers continue without a control process, in milliseconds. An operator has time to restart the control process, and
 * the workers do not serve outdated endpoints forever.
 */
export const ORPHAN_TIMEOUT_MS = 300_000
/**
 * How long orphans may take to close their listeners, in milliseconds. They do it as soon as they get the signal; one that is
 * stopped or hangs does not, and its ports would stay in use for as long as it exists.
 */
const HANDOVER_TIMEOUT_MS = 5000
const POLL_MS = 2
/** A worker ignores the signal until it knows that its control process has exited, so it gets the signal again. */
const REPEAT_MS = 50
/** How long a killed process may take to release its sockets, in milliseconds. */
const KILL_TIMEOUT_MS = 2000

/**
 * Drains the workers of a control process that was killed: they close their listeners, so that this process can open the same
 * ports, and exit when their connections have ended. Only orphans of this network namespace get the signal; other workers
 * ignore it. An orphan that does not react is killed.
 */
export async function drainOrphans(log: Log): Promise<void> {
  const own = readProcessFacts(process.pid)
  if (own === undefined) return
  const orphans = listProcessIds().flatMap(pid => findOrphan(pid, own) ?? [])
  if (orphans.length === 0) return
  log.info(0, 'Taking over from data-plane workers of an earlier process', { workers: orphans.length })
  const started = Date.now()
  let signalledAt = -Infinity
  let silent = orphans
  while (silent.length > 0 && Date.now() < started + HANDOVER_TIMEOUT_MS) {
    if (Date.now() - signalledAt >= REPEAT_MS) {
      for (const { pid } of silent) sendSignal(pid, 'SIGTERM')
      signalledAt = Date.now()
    }
    await pause(POLL_MS)
    silent = silent.filter(orphan => !hasLeft(orphan))
  }
  await Promise.all(silent.map(orphan => killOrphan(orphan, own, log)))
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
    ...(dataPlane.workerProfiles === undefined ? {} : { workerProfiles: dataPlane.workerProfiles }),
    get problem() {
      return dataPlane.problem
    },
    reserveDescriptors: descriptors => dataPlane.reserveDescriptors(descriptors),
    setVerbosity: level => dataPlane.setVerbosity?.(level),
    drain: timeoutMs => dataPlane.drain(timeoutMs),
  }
}

/** Kills an orphan that still is in the way, and waits until its ports are free. */
async function killOrphan({ pid, startTime }: ProcessFacts, own: ProcessFacts, log: Log): Promise<void> {
  // Another process may have got its pid, or it may hold nothing that this process needs.
  if (findOrphan(pid, own)?.startTime !== startTime || !holdsBoundSocket(pid)) return
  log.warn('Killing a data-plane worker of an earlier process, because it does not close its sockets', {
    pid,
    seconds: HANDOVER_TIMEOUT_MS / 1000,
  })
  sendSignal(pid, 'SIGKILL')
  const deadline = Date.now() + KILL_TIMEOUT_MS
  while (readStartTime(pid) === startTime && Date.now() < deadline) await pause(POLL_MS)
}

function findOrphan(pid: number, own: ProcessFacts): ProcessFacts | undefined {
  const facts = readProcessFacts(pid)
  return facts !== undefined && isOrphan(facts, own, readStartTime(facts.parentPid)) ? facts : undefined
}

/** Whether an orphan has closed its listeners, which its title says, or has exited. */
function hasLeft({ pid, startTime }: ProcessFacts): boolean {
  return readStartTime(pid) !== startTime || readTitle(pid) === LEAVING_TITLE
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // The process has exited in the meantime.
  }
}

/** The command line without its arguments; empty if the process has exited. */
function readTitle(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0]!
  } catch {
    return ''
  }
}
