import { type FSWatcher, watch } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** Milliseconds between checks of the files, for changes that no watch reports, such as on network file systems. */
const POLL_MS = 2000

/**
 * Yields when the files may have changed, until the signal is aborted.
 * @param settleMs milliseconds to wait after a report, for an editor or a copy to finish
 */
export async function* manifestChanges(
  paths: readonly string[],
  settleMs: number,
  signal: AbortSignal,
): AsyncGenerator<void> {
  let wake: () => void = () => undefined
  let changed = false
  const notify = (): void => {
    changed = true
    wake()
  }
  const watchers = paths.map(path => watchPath(path, notify)).filter(watcher => watcher !== undefined)
  const poll = setInterval(notify, POLL_MS)
  signal.addEventListener('abort', notify, { once: true })
  try {
    while (!signal.aborted) {
      if (!changed) await new Promise<void>(resolve => (wake = resolve))
      if (signal.aborted) return
      await sleep(settleMs)
      if (signal.aborted) return
      changed = false
      yield
    }
  } finally {
    clearInterval(poll)
    for (const watcher of watchers) watcher.close()
  }
}

/** A watch of the path, or undefined if the system cannot watch it; then only the poll detects changes. */
function watchPath(path: string, onChange: () => void): FSWatcher | undefined {
  try {
    return watch(path, onChange).on('error', () => undefined)
  } catch {
    return undefined
  }
}
