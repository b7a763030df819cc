import { type DataPlane, type DrainReport } from '../dataplane/data-plane.js'
import { type Clock } from '../model/clock.js'
import { type Log } from '../model/log.js'
import { aborted } from '../primitives/aborted.js'
import { pause } from '../primitives/pause.js'
import { deleteResetConnections } from '../system/delete-reset-connections.js'

/** The part of the drain timeout that is left for the last clients when nothing else serves, in milliseconds. */
export const LAST_CLIENTS_MS = 1000
/** How often `serveUntilIdle` counts the open connections, in milliseconds. */
const COUNT_INTERVAL_MS = 200

/** The time that a proxy has to end. */
export interface DrainLimits {
  readonly clock: Clock
  /** When open connections are closed, in milliseconds of the clock. */
  readonly deadline: number
  /** Aborted by a second signal: open connections are closed at once. */
  readonly forceStop: AbortSignal
}

/**
 * Refuses new connections and waits until the open ones have closed, at most until the deadline or until `forceStop` is aborted.
 * Then it closes the rest.
 * @param onCut called after open connections were closed: their clients may connect again, from the same ports
 */
export async function drainDataPlane(
  dataPlane: Pick<DataPlane, 'drain'>,
  { clock, deadline, forceStop }: DrainLimits,
  log: Log,
  onCut = () => deleteResetConnections(log),
): Promise<void> {
  const timeoutMs = Math.max(0, Math.round(deadline - clock.now()))
  const drained = dataPlane.drain(timeoutMs)
  log.info(0, 'Draining: open connections may continue', { seconds: timeoutMs / 1000 })
  const report = await Promise.race([drained, aborted(forceStop)])
  if (report !== undefined) return finish(report, log, onCut)
  log.warn('Second signal received; closing the open connections')
  await dataPlane.drain(0)
  await onCut()
}

/** Reports how a drain has ended, and lets clients that were cut connect again. */
async function finish({ cutOff, lostWorkers }: DrainReport, log: Log, onCut: () => Promise<void>): Promise<void> {
  if (cutOff + lostWorkers === 0) return log.info(0, 'Drained')
  if (lostWorkers > 0)
    log.warn('Data-plane workers ended in their drain; their connections are cut', { workers: lostWorkers })
  if (cutOff > 0) log.warn('Drain timed out; closing the open connections', { connections: cutOff })
  await onCut()
}

/** What ends the drain of a proxy that stands by. */
export interface StandbyLimits extends Pick<DrainLimits, 'forceStop'> {
  /** Aborted when this proxy has to end, and the time of its open connections is over. */
  readonly timeIsOver: AbortSignal
}

/** Less than the longest timer of Node.js, which is 24.8 days. */
const LONGEST_DRAIN_MS = 20 * 24 * 3600 * 1000

/**
 * Refuses new connections, which another proxy serves, and waits until the open ones have closed or the process has to end.
 * @param onCut as for `drainDataPlane`
 */
export async function drainInStandby(
  dataPlane: Pick<DataPlane, 'drain'>,
  { timeIsOver, forceStop }: StandbyLimits,
  log: Log,
  onCut = () => deleteResetConnections(log),
): Promise<void> {
  log.info(0, 'Standing by: open connections continue here, and another kube-proxy serves new ones')
  const report = await Promise.race([dataPlane.drain(LONGEST_DRAIN_MS), aborted(timeIsOver), aborted(forceStop)])
  if (report !== undefined) return finish(report, log, onCut)
  log.warn('Drain timed out, or a second signal was received; closing the open connections')
  // The process may live on, with another generation.
  await dataPlane.drain(0)
  await onCut()
}

/**
 * Waits until no TCP connection is open, at most until the deadline or until `forceStop` is aborted. Listeners still accept: this
 * is for a proxy that has to end while nothing else serves.
 */
export async function serveUntilIdle(
  dataPlane: Pick<DataPlane, 'counts'>,
  { clock, deadline, forceStop }: DrainLimits,
): Promise<void> {
  while (!forceStop.aborted && clock.now() < deadline && (await countConnections(dataPlane)) > 0)
    await pause(clock, Math.min(COUNT_INTERVAL_MS, deadline - clock.now()), forceStop)
}

async function countConnections(dataPlane: Pick<DataPlane, 'counts'>): Promise<number> {
  const { listeners } = await dataPlane.counts()
  return listeners.reduce((sum, { protocol, traffic }) => sum + (protocol === 'TCP' ? traffic.active : 0), 0)
}
