import { CARRIER_NAMES, IPTABLES_NAMES } from '../contenders/contender.js'
import { type ClusterSize } from '../site/bench-service.js'
import { bulkLoads } from './bulk.js'
import { fullSync } from './full-sync.js'
import { keepAlive, newConnections, newConnectionsAt } from './http.js'
import { type Load } from './load.js'
import { oneChange } from './one-change.js'

/** Of syncs: each takes as long as many rounds of others. At the largest size nothing is judged, and one has to do. */
const ROUNDS = 3
const sizeOf = (services: number): ClusterSize => ({ services, endpoints: 10 })

/** Where the kernel does the work no process has CPU time to show for it: rates are what can be compared. */
function carried(load: Load, contenders = load.contenders): Load {
  return { ...load, contenders, metrics: load.metrics.filter(({ name }) => name !== 'perCpu') }
}

/** In the order in which they are run and reported. */
export const KERNEL_LOADS: readonly Load[] = [
  ...[keepAlive, newConnections, ...bulkLoads.slice(0, 2)].map(load => carried(load, CARRIER_NAMES)),
  fullSync(sizeOf(1000), ROUNDS),
  oneChange(sizeOf(1000), ROUNDS),
  fullSync(sizeOf(5000), ROUNDS),
  oneChange(sizeOf(5000), ROUNDS),
  carried(newConnectionsAt(sizeOf(5000)), IPTABLES_NAMES),
  fullSync(sizeOf(10_000), 1),
  oneChange(sizeOf(10_000), 1),
]
