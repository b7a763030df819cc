import { frontendsOf } from '../../../lib/frontends/frontend.js'
import { type IpAddress } from '../../../lib/model/address.js'
import { type ServicePort } from '../../../lib/model/service-port.js'
import { FrontendRules } from '../../../lib/modes/userspace/frontend-rules.js'
import { restoreInput } from '../../../lib/netfilter/iptables-restore.js'
import { MemoryTables } from '../../support/kernel/memory-tables.js'

/** A cluster IP, and the listener that its packets are sent to. */
export interface ClusterIPTarget {
  readonly servicePort: ServicePort
  readonly address: IpAddress
  readonly proxyPort: number
}

/** A kernel with the rules of userspace mode for these cluster IPs. */
export function programClusterIPs(targets: readonly ClusterIPTarget[]): MemoryTables {
  const frontends = targets.map(({ servicePort, address, proxyPort }) => {
    const target = { address, port: proxyPort }
    const usable = { cluster: [], local: [], hasAny: true }
    const [clusterIP] = frontendsOf({ servicePort, endpoints: [], usable })
    return { frontend: clusterIP!, fromNode: target, fromPods: target, fromExternal: target }
  })
  const localTraffic = { localMatches: [], nodePortAddresses: undefined }
  const rules = new FrontendRules('IPv4').build({ frontends, localTraffic, proxyPorts: [] })
  const kernel = new MemoryTables()
  kernel.restore(restoreInput(rules, new Map()).text)
  return kernel
}
