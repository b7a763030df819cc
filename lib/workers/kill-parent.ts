import { hasInspector, isTraced } from '../system/process-facts.js'
import { type KillResult } from './control-watch.js'

/**
 * Kills the process that has started this one, unless it has exited or a debugger holds it. The kernel gives the children of a
 * process that has exited another parent, so the id of the parent cannot be that of another process by chance.
 * @param pid the parent at the start
 */
export function killParent(pid: number): KillResult {
  if (process.ppid !== pid) return 'gone'
  // A worker has the options of its parent. In this debugger only the parent stops at breakpoints.
  if (hasInspector()) return 'traced'
  try {
    if (isTraced(pid)) return 'traced'
    process.kill(pid, 'SIGKILL')
    return 'signalled'
  } catch {
    return 'gone'
  }
}
