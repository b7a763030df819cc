import { type ProcessFacts } from '../system/process-facts.js'

/** The title of a worker process, as `ps` shows it. */
export const WORKER_TITLE = 'kube-proxy worker'
/** The title of a worker that serves although its control process has exited. */
export const ORPHAN_TITLE = 'kube-proxy worker, orphan'
/** The title of an orphan that has released NodePorts for the next control process, and serves until that one does. */
export const GIVING_WAY_TITLE = 'kube-proxy worker, giving way'
/** The title of an orphan that has closed its listeners, and exits when its connections have ended. */
export const LEAVING_TITLE = 'kube-proxy worker, leaving'

/** A variable in the environment of every worker: the start time of its control process. */
const VARIABLE = 'KUBE_PROXY_NODE_CONTROL_STARTED'

/**
 * The environment that marks a process as a worker. The kernel keeps the environment of the start, so another program does not
 * look like a worker because of a name.
 * @param controlStartTime when the control process was started, in clock ticks since the boot
 */
export function markedEnvironment(controlStartTime: string): Readonly<Record<string, string>> {
  return { [VARIABLE]: controlStartTime }
}

/**
 * Whether a process is a worker whose control process has exited: it has the mark, and the same user, program file and network
 * namespace as this process, and its parent is not the process that has started it.
 *
 * @param own the facts of this process
 * @param parentStartTime when the parent was started; undefined if it has exited
 */
export function isOrphan(process: ProcessFacts, own: ProcessFacts, parentStartTime: string | undefined): boolean {
  const mark = process.environment.find(entry => entry.startsWith(`${VARIABLE}=`))?.slice(VARIABLE.length + 1)
  return (
    mark !== undefined &&
    mark !== parentStartTime &&
    process.pid !== own.pid &&
    process.userId === own.userId &&
    process.program === own.program &&
    process.networkNamespace === own.networkNamespace
  )
}
