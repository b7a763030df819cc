import {
  IPTABLES_DATA_PATH_NAMES,
  type ContenderName,
  IPTABLES_CONTENDER_NAMES,
  IPVS_DATA_PATH_NAMES,
} from '../contenders/contender.js'
import { type ClusterSize, SMALL_CLUSTER } from '../testbed/bench-service.js'
import { bulkLoads } from './bulk.js'
import { makeFullSyncLoad } from './full-sync.js'
import { keepAlive, newConnections, makeNewConnectionsLoad } from './http.js'
import { type Load } from './load.js'
import { CPU_SHARE } from './metrics.js'
import { makeOneChangeLoad } from './one-change.js'

/** Rounds of syncs: each takes as long as many rounds of other loads. The largest size has no target, so one is enough. */
const ROUNDS = 3
const clusterSize = (services: number): ClusterSize => ({ services, endpoints: 10 })

/** When the kernel does the work, no process has the CPU time, so only rates can be compared. */
function withoutCpuMetric(load: Load, contenders: readonly ContenderName[]): Load {
  return { ...load, contenders, metrics: load.metrics.filter(({ name }) => name !== 'perCpu') }
}

const dataPathLoads: readonly Load[] = [keepAlive, newConnections, ...bulkLoads.slice(0, 2)]

/** In the order of runs and reports. */
export const IPTABLES_LOADS: readonly Load[] = [
  ...dataPathLoads.map(load => withoutCpuMetric(load, IPTABLES_DATA_PATH_NAMES)),
  makeFullSyncLoad(clusterSize(1000), ROUNDS),
  makeOneChangeLoad(clusterSize(1000), ROUNDS),
  makeFullSyncLoad(clusterSize(5000), ROUNDS),
  makeOneChangeLoad(clusterSize(5000), ROUNDS),
  withoutCpuMetric(makeNewConnectionsLoad(clusterSize(5000)), IPTABLES_CONTENDER_NAMES),
  makeFullSyncLoad(clusterSize(10_000), 1),
  makeOneChangeLoad(clusterSize(10_000), 1),
]

/**
 * The program is stopped while the kernel carries the load. A check of the rules takes one or two hundredths of a real processor,
 * but a third of an emulated one, and would distort the result.
 */
function withProxyStopped(load: Load): Load {
  return {
    ...load,
    metrics: load.metrics.filter(metric => metric !== CPU_SHARE),
    async takeSample(stage) {
      const { pids } = await stage.ensureRunning(SMALL_CLUSTER)
      for (const pid of pids) process.kill(pid, 'SIGSTOP')
      try {
        return await load.takeSample(stage)
      } finally {
        for (const pid of pids) process.kill(pid, 'SIGCONT')
      }
    },
  }
}

/** The same in the same order, with longer samples for a virtual machine. */
export const IPVS_LOADS: readonly Load[] = dataPathLoads.map(load =>
  withProxyStopped({ ...withoutCpuMetric(load, IPVS_DATA_PATH_NAMES), seconds: 5 }),
)
