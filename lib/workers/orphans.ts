import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { type Log } from '../model/log.js'
import {
  type ProcessFacts,
  holdsBoundSocket,
  listProcessIds,
  readProcessFacts,
  readStartTime,
} from '../system/process-facts.js'
import { GIVING_WAY_TITLE, isOrphan, LEAVING_TITLE } from './is-orphan.js'
import { OrphanEnds } from './orphan-ends.js'

/*
 * Workers whose control process was killed keep serving until the rules of the next control process lead clients elsewhere; see
 * `beside-orphans.ts`.
 */

/**
 * How long workers continue without a control process, in milliseconds. An operator has time to restart the control process, and
 * the workers do not serve outdated endpoints forever.
 */
export const ORPHAN_TIMEOUT_MS = 300_000
/**
 * How long orphans may take to handle a signal, in milliseconds. They do it at once; one that is stopped or hangs does not, and its
 * ports would stay in use for as long as it exists.
 */
const REACTION_TIMEOUT_MS = 5000
const POLL_MS = 2
/** A worker ignores the signal until it knows that its control process has exited, so it gets the signal again. */
const REPEAT_MS = 50
/** How long a killed process may take to release its sockets, in milliseconds. */
const KILL_TIMEOUT_MS = 2000

/** Of all orphans that this process has seen. */
const ends = new OrphanEnds()

/**
 * Ends the workers of a control process that was killed: they close their listeners, and exit when their connections have ended.
 * Only orphans of this network namespace get the signal; other workers ignore it. An orphan that does not react is killed.
 */
export async function drainOrphans(log: Log): Promise<void> {
  const message = 'Draining the data-plane workers of an earlier process'
  await signalOrphans('SIGTERM', [LEAVING_TITLE], message, log)
}

/**
 * Lets clients that orphans have cut connect again, from the same ports. Call it when the rules no longer lead to orphans; those that
 * still drain are waited for, as long as this process runs.
 */
export function deleteEntriesOfOrphans(log: Log): Promise<void> {
  return ends.deleteLeftEntries(log)
}

/**
 * Has orphans release the sockets of NodePorts, which only one process can hold. They serve on. An orphan that does not react is
 * killed: it serves no client either.
 */
export async function releaseNodePortsOfOrphans(log: Log): Promise<void> {
  const titles = [GIVING_WAY_TITLE, LEAVING_TITLE]
  await signalOrphans('SIGURG', titles, 'Taking over from data-plane workers of an earlier process', log)
}

/**
 * Sends orphans a signal until their titles say that they have handled it.
 * @param message for the log, if there are any
 */
async function signalOrphans(
  signal: NodeJS.Signals,
  titles: readonly string[],
  message: string,
  log: Log,
): Promise<void> {
  const own = readProcessFacts(process.pid)
  if (own === undefined) return
  const hasReacted = (orphan: ProcessFacts): boolean => hasExited(orphan) || titles.includes(readTitle(orphan.pid))
  const orphans = listProcessIds().flatMap(pid => findOrphan(pid, own) ?? [])
  ends.add(orphans, log)
  let silent = orphans.filter(orphan => !hasReacted(orphan))
  if (silent.length === 0) return
  log.info(0, message, { workers: silent.length })
  const started = performance.now()
  let signalledAt = -Infinity
  while (silent.length > 0 && performance.now() < started + REACTION_TIMEOUT_MS) {
    if (performance.now() - signalledAt >= REPEAT_MS) {
      for (const { pid } of silent) sendSignal(pid, signal)
      signalledAt = performance.now()
    }
    await pause(POLL_MS)
    silent = silent.filter(orphan => !hasReacted(orphan))
  }
  await Promise.all(silent.map(orphan => killOrphan(orphan, own, log)))
}

function hasExited({ pid, startTime }: ProcessFacts): boolean {
  return readStartTime(pid) !== startTime
}

/** Kills an orphan that still is in the way, and waits until its ports are free. */
async function killOrphan({ pid, startTime }: ProcessFacts, own: ProcessFacts, log: Log): Promise<void> {
  // Another process may have got its pid, or it may hold nothing that this process needs.
  if (findOrphan(pid, own)?.startTime !== startTime || !holdsBoundSocket(pid)) return
  log.warn('Killing a data-plane worker of an earlier process, because it does not close its sockets', {
    pid,
    seconds: REACTION_TIMEOUT_MS / 1000,
  })
  sendSignal(pid, 'SIGKILL')
  const deadline = performance.now() + KILL_TIMEOUT_MS
  while (readStartTime(pid) === startTime && performance.now() < deadline) await pause(POLL_MS)
}

function findOrphan(pid: number, own: ProcessFacts): ProcessFacts | undefined {
  const facts = readProcessFacts(pid)
  return facts !== undefined && isOrphan(facts, own, readStartTime(facts.parentPid)) ? facts : undefined
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
