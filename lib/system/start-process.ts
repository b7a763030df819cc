import { type ChildProcess } from 'node:child_process'

/**
 * Starts a child process, whatever the kernel says. Node.js reports some reasons why a process cannot start by an event (no free
 * descriptor, no such program), and throws for all others, such as no memory: here all of them are one call of `onFailure`, later.
 *
 * @param start calls `spawn` or `fork`
 * @param onFailure the process could not start; not called for a process that has run
 * @returns undefined if the process could not start
 */
export function startProcess<Child extends ChildProcess>(
  start: () => Child,
  onFailure: (error: Error) => void,
): Child | undefined {
  let child: Child
  try {
    child = start()
  } catch (error) {
    process.nextTick(onFailure, error)
    return undefined
  }
  // Node.js also emits this for a signal or a message that could not be sent, when the process still runs.
  child.on('error', error => {
    if (child.pid === undefined) onFailure(error)
  })
  // Without free descriptors, such a child does not even have its pipes.
  return child.pid === undefined ? undefined : child
}
