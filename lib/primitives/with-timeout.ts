import { type Clock } from '../model/clock.js'

/** How long `withTimeout` waits, and what a timeout means. */
export interface TimeoutOptions<T> {
  readonly clock: Clock
  /** In milliseconds. */
  readonly ms: number
  /** Called when the time is over: returns what to use instead of a result, or throws. */
  readonly onTimeout: () => T
  /** When it is aborted, the wait rejects with its reason. */
  readonly signal?: AbortSignal
}

/** Waits a limited time for the result of work that cannot be cancelled. After a timeout or an abort the work continues unseen. */
export async function withTimeout<T>(work: Promise<T>, options: TimeoutOptions<T>): Promise<T> {
  const { clock, ms, onTimeout, signal } = options
  let release = (): void => undefined
  const limit = new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(signal?.reason as Error)
    if (signal?.aborted === true) onAbort()
    signal?.addEventListener('abort', onAbort)
    const cancel = clock.after(ms, () => {
      try {
        resolve(onTimeout())
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)))
      }
    })
    release = () => {
      cancel()
      signal?.removeEventListener('abort', onAbort)
    }
  })
  try {
    return await Promise.race([work, limit])
  } finally {
    release()
  }
}
