import { type Clock } from '../model/clock.js'

interface TimeoutOptions {
  /** In milliseconds. */
  readonly ms: number
  readonly clock: Clock
  readonly signal: AbortSignal
}

/**
 * The result of some work that cannot be called off, if it comes in time: rejects after `ms` milliseconds or when the
 * signal is aborted, while the work goes on unheeded.
 */
export async function withTimeout<T>(work: Promise<T>, { ms, clock, signal }: TimeoutOptions): Promise<T> {
  let release = () => {}
  const limit = new Promise<never>((_, reject) => {
    const onAbort = () => reject(signal.reason as Error)
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort)
    const cancel = clock.after(ms, () => reject(new Error(`nothing within ${ms / 1000} s`)))
    release = () => {
      cancel()
      signal.removeEventListener('abort', onAbort)
    }
  })
  try {
    return await Promise.race([work, limit])
  } finally {
    release()
  }
}
