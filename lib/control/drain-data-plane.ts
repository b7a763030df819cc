import { type DataPlane } from '../dataplane/data-plane.js'
import { type Log } from '../model/log.js'

/**
 * Refuses new connections and lets open ones end, for at most `timeoutMs` milliseconds or until `cutOff` is aborted;
 * what is left then is closed by the end of the process.
 */
export async function drainDataPlane(
  dataPlane: Pick<DataPlane, 'drain'>,
  timeoutMs: number,
  forceStop: AbortSignal,
  log: Log,
): Promise<void> {
  const forced = new Promise<undefined>(resolve => {
    if (forceStop.aborted) resolve(undefined)
    else forceStop.addEventListener('abort', () => resolve(undefined), { once: true })
  })
  const drained = dataPlane.drain(timeoutMs)
  log.info(0, 'Draining: no new connections', { seconds: timeoutMs / 1000 })
  const closedConnections = await Promise.race([drained, forced])
  if (closedConnections === undefined) log.warn('Told a second time to stop: open connections are cut off')
  else if (closedConnections > 0)
    log.warn('Drain time-out: open connections are cut off', { connections: closedConnections })
  else log.info(0, 'Drained')
}
