import { type Clock } from '../model/clock.js'

/**
 * Resolves after `ms` milliseconds, or as soon as the signal is aborted. Never rejects.
 * @param keepsAlive whether the process waits for it before it exits by itself
 */
export function pause(
  clock: Pick<Clock, 'after'>,
  ms: number,
  signal?: AbortSignal,
  { keepsAlive = true }: { readonly keepsAlive?: boolean } = {},
): Promise<void> {
  if (signal?.aborted === true || ms <= 0) return Promise.resolve()
  return new Promise(resolve => {
    const end = (): void => {
      cancel()
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const cancel = clock.after(ms, end, { keepsAlive })
    signal?.addEventListener('abort', end)
  })
}
