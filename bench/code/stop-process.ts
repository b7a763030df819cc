import { type ChildProcess } from 'node:child_process'
import { once } from 'node:events'

/** How long a process may take to end when it is asked to, in milliseconds. */
const STOP_TIMEOUT_MS = 3000

/** Asks a process to end, and makes it end when it does not. */
export async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
  await ended
  clearTimeout(timer)
}
