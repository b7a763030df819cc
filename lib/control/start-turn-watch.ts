import { Worker } from 'node:worker_threads'
import { messageOf } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { hasInspector } from '../system/process-facts.js'

/** What the thread of `startTurnWatch` gets. */
export interface TurnWatchData {
  /** One number that changes while the event loop of the process turns. */
  readonly turns: Int32Array
  /** How often the thread looks, in milliseconds, and how many times in a row the number may be the same. */
  readonly tickMs: number
  readonly ticks: number
  readonly logFormat: 'text' | 'json'
}

const THREAD = new URL('turn-watch-thread.js', import.meta.url)
/** In how many steps the time is counted. */
const TICKS = 12

/**
 * Ends this process when its event loop has not turned for some time: it would neither follow the cluster nor react to SIGTERM. A
 * thread does it, with 9 MB of memory, where data-plane workers cannot do it (see `ControlWatch`): there are none, or this is the
 * first process of a container. It cannot help while the whole process is stopped.
 */
export function startTurnWatch(timeoutMs: number, logFormat: TurnWatchData['logFormat'], log: Log): void {
  // In a debugger the main thread stops at breakpoints, and this thread would not.
  if (hasInspector()) return
  const turns = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  const tickMs = timeoutMs / TICKS
  // Twice as often as the thread looks, so that a turn lies between any two looks.
  setInterval(() => Atomics.add(turns, 0, 1), tickMs / 2).unref()
  const workerData: TurnWatchData = { turns, tickMs, ticks: TICKS, logFormat }
  // Without the thread the proxy works as well.
  const onFailure = (error: unknown): void =>
    log.warn('No thread watches whether this process hangs', { reason: messageOf(error) })
  try {
    const thread = new Worker(THREAD, {
      workerData,
      resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 },
    })
    thread.on('error', onFailure)
    thread.unref()
  } catch (error) {
    // Thrown if the kernel allows no thread more, or if there is no memory for its stack.
    onFailure(error)
  }
}
