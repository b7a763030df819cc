import { type Endpoint } from '../../model/endpoint.js'
import { type ServicePort } from '../../model/service-port.js'
import { type ServedPort } from '../../model/snapshot.js'
import { type RealServer, type VirtualServer } from '../../system/virtual-server.js'
import { type VirtualAddress, isPolicyLocal } from './virtual-address.js'

/** The virtual server for one address of a service port. */
export function desiredServer(
  virtual: VirtualAddress,
  { servicePort, usable }: ServedPort,
  defaultScheduler: string,
): VirtualServer {
  const scheduler = schedulerOf(servicePort, defaultScheduler)
  return {
    protocol: servicePort.protocol,
    address: virtual.address,
    port: virtual.port,
    scheduler,
    // Clients behind one address differ only in their ports.
    flags: scheduler === 'mh' ? 'mh-port' : '',
    persistenceSeconds: servicePort.affinitySeconds ?? 0,
    realServers: endpointsFor(virtual, usable).map(realServer),
  }
}

/** Whether two virtual servers are equal apart from their real servers. */
export function hasSameSettings(a: VirtualServer, b: VirtualServer): boolean {
  return a.scheduler === b.scheduler && a.flags === b.flags && a.persistenceSeconds === b.persistenceSeconds
}

/**
 * The scheduler for the balancer that a Service asks for by annotation, if IPVS has one; otherwise the configured scheduler.
 */
function schedulerOf({ balancer }: ServicePort, defaultScheduler: string): string {
  return balancer === 'least-connections' ? 'lc' : defaultScheduler
}

/**
 * An external address with policy Local that has no endpoint on this node leads to endpoints on other nodes: only Pods and
 * the node itself get there, the rules drop all other packets. If this node has endpoints, Pods reach only those too, because
 * IPVS has one list of endpoints for all clients.
 */
function endpointsFor(virtual: VirtualAddress, { cluster, local }: ServedPort['usable']): readonly Endpoint[] {
  if (!isPolicyLocal(virtual)) return cluster
  return local.length === 0 && virtual.kind !== 'cluster IP' ? cluster : local
}

function realServer({ ip, port }: Endpoint): RealServer {
  return { address: ip, port, weight: 1 }
}
