import { type ChildProcess } from 'node:child_process'
import { once } from 'node:events'

/** How long a process may take to exit after SIGTERM, in milliseconds. */
const STOP_TIMEOUT_MS = 3000

/** Sends SIGTERM to a process, and SIGKILL if it does not exit in time. */
export async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
  await ended
  clearTimeout(timer)
}
