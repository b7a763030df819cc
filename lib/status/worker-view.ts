import { type DataPlaneCounts } from '../dataplane/data-plane.js'

/** One process of the proxy. */
export interface WorkerView {
  readonly pid: number
  readonly role: 'control' | 'worker'
  /** Number of the worker; null: the control process. */
  readonly worker: number | null
  /** Whether sockets of Services are in this process. */
  readonly holdsSockets: boolean
}

/**
 * The processes of the proxy, the control process first.
 * @param counts undefined if the kernel carries connections
 */
export function workerViews(pid: number, counts: Pick<DataPlaneCounts, 'workers'> | undefined): WorkerView[] {
  const workers = counts?.workers?.processes ?? []
  const holdsSockets = counts !== undefined && counts.workers === undefined
  return [
    { pid, role: 'control', worker: null, holdsSockets },
    ...workers.map((each): WorkerView => ({ pid: each.pid, role: 'worker', worker: each.worker, holdsSockets: true })),
  ]
}
