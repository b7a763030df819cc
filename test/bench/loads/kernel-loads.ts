import { CARRIER_NAMES, type ContenderName, IPTABLES_NAMES, IPVS_CARRIER_NAMES } from '../contenders/contender.js'
import { type ClusterSize, SMALL } from '../site/bench-service.js'
import { bulkLoads } from './bulk.js'
import { fullSync } from './full-sync.js'
import { keepAlive, newConnections, newConnectionsAt } from './http.js'
import { type Load } from './load.js'
import { CPU_SHARE } from './metrics.js'
import { oneChange } from './one-change.js'

/** Of syncs: each takes as long as many rounds of others. At the largest size nothing is judged, and one has to do. */
const ROUNDS = 3
const sizeOf = (services: number): ClusterSize => ({ services, endpoints: 10 })

/** Where the kernel does the work no process has CPU time to show for it: rates are what can be compared. */
function carried(load: Load, contenders: readonly ContenderName[]): Load {
  return { ...load, contenders, metrics: load.metrics.filter(({ name }) => name !== 'perCpu') }
}

const dataPath: readonly Load[] = [keepAlive, newConnections, ...bulkLoads.slice(0, 2)]

/** In the order in which they are run and reported. */
export const KERNEL_LOADS: readonly Load[] = [
  ...dataPath.map(load => carried(load, CARRIER_NAMES)),
  fullSync(sizeOf(1000), ROUNDS),
  oneChange(sizeOf(1000), ROUNDS),
  fullSync(sizeOf(5000), ROUNDS),
  oneChange(sizeOf(5000), ROUNDS),
  carried(newConnectionsAt(sizeOf(5000)), IPTABLES_NAMES),
  fullSync(sizeOf(10_000), 1),
  oneChange(sizeOf(10_000), 1),
]

/**
 * The program is stopped while the kernel carries the load. A look at the rules, which is one or two hundredths of a processor elsewhere,
 * is a third of one that is emulated, and would be measured in place of the kernel.
 */
function byKernelAlone(load: Load): Load {
  return {
    ...load,
    metrics: load.metrics.filter(metric => metric !== CPU_SHARE),
    async run(stage) {
      const { pids } = await stage.running(SMALL)
      for (const pid of pids) process.kill(pid, 'SIGSTOP')
      try {
        return await load.run(stage)
      } finally {
        for (const pid of pids) process.kill(pid, 'SIGCONT')
      }
    },
  }
}

/** The same, in the order too; longer samples, since it may be a virtual machine that they are taken in. */
export const IPVS_LOADS: readonly Load[] = dataPath.map(load =>
  byKernelAlone({ ...carried(load, IPVS_CARRIER_NAMES), seconds: 5 }),
)
