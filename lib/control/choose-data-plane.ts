import { availableParallelism } from 'node:os'
import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type DataPlane } from '../dataplane/data-plane.js'
import { type DataPlaneTimings, DEFAULT_TIMINGS } from '../dataplane/data-plane-timings.js'
import { type Log } from '../model/log.js'
import { readDescriptorLimit } from '../system/process-usage.js'
import { realClock } from '../system/real-clock.js'
import { allowTimeWaitReuse } from '../system/time-wait-reuse.js'
import { withoutCapabilities } from '../system/without-capabilities.js'
import { besideOrphans } from '../workers/beside-orphans.js'
import { ORPHAN_TIMEOUT_MS } from '../workers/orphans.js'
import { WorkerPool } from '../workers/worker-pool.js'
import { WORKER_MAIN } from '../workers/worker-process.js'
import { createDataPlane } from './create-data-plane.js'

const MAX_AUTO_WORKERS = 8
/**
 * How long the control process may not turn before a worker, or a thread of its own, ends it, in milliseconds. The longest known
 * work in one turn, reading the objects of a very large cluster on a busy machine, takes a few seconds.
 */
export const CONTROL_TIMEOUT_MS = 60_000

/** Makes the data plane of `--data-plane-workers`: in worker processes, which may still be starting, or in this process. */
export async function chooseDataPlane(config: KubeProxyConfig, log: Log): Promise<DataPlane> {
  const { verbosity, logFormat, drainTimeout, fastPath, profiling, portRange } = config
  const timings = dataPlaneTimings(config)
  log.info(0, 'Open files', { maxOpenFiles: readDescriptorLimit() })
  if (config.reuseSourcePorts) allowTimeWaitReuse(log)
  const workers = workerCount(config.dataPlaneWorkers, availableParallelism())
  const dataPlane =
    workers === 0
      ? await createDataPlane({ log, fastPath, timings })
      : new WorkerPool({
          workers,
          settings: {
            verbosity,
            logFormat,
            timings,
            fastPath,
            profiling,
            drainTimeout,
            orphanTime: ORPHAN_TIMEOUT_MS,
            controlTimeout: CONTROL_TIMEOUT_MS,
          },
          startedThrough: await workersWithoutCapabilities(log),
          clock: realClock,
          log,
        })
  return besideOrphans(dataPlane, portRange && portRange.last - portRange.first + 1, log)
}

/** The words before the command of a worker with which it has no capability: it reads what clients send, and needs none. */
async function workersWithoutCapabilities(log: Log): Promise<readonly string[]> {
  const { words, obstacle } = await withoutCapabilities(WORKER_MAIN)
  if (obstacle === undefined) return words
  const { reason, isExpected } = obstacle
  const message = 'Data-plane workers keep the capabilities of the control process'
  if (isExpected) log.info(2, message, { reason })
  else log.warn(message, { reason, hint: 'Remove the cause, and start this proxy again; SECURITY.md lists causes' })
  return words
}

/** The number of data-plane workers: the configured one, or half the number of CPUs. */
export function workerCount(configured: KubeProxyConfig['dataPlaneWorkers'], cpus: number): number {
  return configured === 'auto' ? Math.min(MAX_AUTO_WORKERS, Math.max(1, Math.floor(cpus / 2))) : configured
}

/** The timings of the data plane: the defaults, or what the operator configured. */
export function dataPlaneTimings({ udpIdleTimeout }: Pick<KubeProxyConfig, 'udpIdleTimeout'>): DataPlaneTimings {
  if (udpIdleTimeout === undefined) return DEFAULT_TIMINGS
  const udpTimings: Partial<DataPlaneTimings> = { udpTimeout: udpIdleTimeout, udpStreamTimeout: udpIdleTimeout }
  return { ...DEFAULT_TIMINGS, ...udpTimings }
}
