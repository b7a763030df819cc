import { type DataPlane } from '../dataplane/data-plane.js'
import { type Log } from '../model/log.js'

/**
 * Refuses new connections and waits until the open ones have closed, at most `timeoutMs` milliseconds or until `forceStop` is
 * aborted. The end of the process closes the rest.
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
  log.info(0, 'Draining: new connections are refused', { seconds: timeoutMs / 1000 })
  const closedConnections = await Promise.race([drained, forced])
  if (closedConnections === undefined) log.warn('Second signal received; closing the open connections')
  else if (closedConnections > 0)
    log.warn('Drain timed out; closing the open connections', { connections: closedConnections })
  else log.info(0, 'Drained')
}
