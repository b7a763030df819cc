import { sharedClockMs } from '../measure/shared-clock.js'
import { askOnce } from './ask-once.js'

const LIMIT_MS = 5000

/** One connection: when it was begun, by the clock that is shared, how long it took, and who answered. */
export interface Visit {
  readonly at: number
  readonly tookMs: number
  /** The Pod's address. */
  readonly by: string | undefined
  readonly error: string | undefined
}

export interface VisitReport {
  readonly visits: readonly Visit[]
  /** How many fewer connections were begun than wanted: more than a few say that the client was too slow. */
  readonly behind: number
}

/** Connections at a fixed rate, whether those before have ended or not: who waits does not take the load away. */
export async function visits(ip: string, port: number, perSecond: number, seconds: number): Promise<VisitReport> {
  const begun: Promise<Visit>[] = []
  const start = performance.now()
  const wanted = perSecond * seconds
  await new Promise<void>(resolve => {
    const timer = setInterval(() => {
      const due = Math.min(wanted, ((performance.now() - start) * perSecond) / 1000)
      while (begun.length < due) begun.push(visit(ip, port))
      if (performance.now() - start < seconds * 1000) return
      clearInterval(timer)
      resolve()
    }, 1)
  })
  return { visits: await Promise.all(begun), behind: Math.max(0, Math.round(wanted - begun.length)) }
}

async function visit(ip: string, port: number): Promise<Visit> {
  const at = sharedClockMs()
  try {
    const by = await askOnce(ip, port, LIMIT_MS)
    return { at, tookMs: sharedClockMs() - at, by, error: undefined }
  } catch (error) {
    return { at, tookMs: sharedClockMs() - at, by: undefined, error: (error as Error).message }
  }
}
