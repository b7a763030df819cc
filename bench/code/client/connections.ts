import { sharedClockMs } from '../measure/shared-clock.js'
import { requestOnce } from './request-once.js'

const ANSWER_TIMEOUT_MS = 5000

/** One connection: its start by the shared clock, its duration, and the Pod that answered. */
export interface ConnectionSample {
  readonly startedAt: number
  readonly tookMs: number
  /** The Pod's address. */
  readonly responder: string | undefined
  readonly error: string | undefined
}

export interface ConnectionReport {
  readonly connections: readonly ConnectionSample[]
  /** Number of connections that were not opened in time: more than a few mean that the client was too slow. */
  readonly missedStarts: number
}

/** Opens connections at a fixed rate, even if earlier ones are still open: waiting clients do not reduce the load. */
export async function runConnections(
  ip: string,
  port: number,
  perSecond: number,
  seconds: number,
): Promise<ConnectionReport> {
  const begun: Promise<ConnectionSample>[] = []
  const start = performance.now()
  const target = perSecond * seconds
  await new Promise<void>(resolve => {
    const timer = setInterval(() => {
      const due = Math.min(target, ((performance.now() - start) * perSecond) / 1000)
      while (begun.length < due) begun.push(runConnection(ip, port))
      if (performance.now() - start < seconds * 1000) return
      clearInterval(timer)
      resolve()
    }, 1)
  })
  return { connections: await Promise.all(begun), missedStarts: Math.max(0, Math.round(target - begun.length)) }
}

async function runConnection(ip: string, port: number): Promise<ConnectionSample> {
  const at = sharedClockMs()
  try {
    const by = await requestOnce(ip, port, ANSWER_TIMEOUT_MS)
    return { startedAt: at, tookMs: sharedClockMs() - at, responder: by, error: undefined }
  } catch (error) {
    return { startedAt: at, tookMs: sharedClockMs() - at, responder: undefined, error: (error as Error).message }
  }
}
