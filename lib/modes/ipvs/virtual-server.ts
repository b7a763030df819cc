import { type Endpoint } from '../../model/endpoint.js'
import { type ServicePort } from '../../model/service-port.js'
import { type ServedPort } from '../../model/snapshot.js'
import { type RealServer, type VirtualServer } from '../../system/virtual-server.js'
import { type VirtualAddress, isPolicyLocal } from './virtual-address.js'

/** The virtual server for one address of a service port. */
export function virtualServer(
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
    // Clients behind one address differ in their ports only.
    flags: scheduler === 'mh' ? 'mh-port' : '',
    persistenceSeconds: servicePort.affinitySeconds ?? 0,
    realServers: endpointsFor(virtual, usable).map(realServer),
  }
}

/** Whether two say the same. Real servers are compared in order: both lists are sorted as endpoints are. */
export function isSameServer(a: VirtualServer, b: VirtualServer): boolean {
  return (
    hasSameSettings(a, b) &&
    a.realServers.length === b.realServers.length &&
    a.realServers.every(({ address, port, weight }, index) => {
      const other = b.realServers[index]!
      return address === other.address && port === other.port && weight === other.weight
    })
  )
}

/** The same, real servers left aside. */
export function hasSameSettings(a: VirtualServer, b: VirtualServer): boolean {
  return a.scheduler === b.scheduler && a.flags === b.flags && a.persistenceSeconds === b.persistenceSeconds
}

/** What IPVS has of its own for what a Service may ask for by annotation; anything else is balanced as configured. */
function schedulerOf({ balancer }: ServicePort, defaultScheduler: string): string {
  return balancer === 'least-connections' ? 'lc' : defaultScheduler
}

/**
 * An external address whose policy is Local and that has no endpoint here leads to those elsewhere: only Pods and the node
 * itself get that far, others are dropped by the rules. As IPVS has one list for all clients, Pods too are kept to the
 * endpoints here where there are some.
 */
function endpointsFor(virtual: VirtualAddress, { cluster, local }: ServedPort['usable']): readonly Endpoint[] {
  if (!isPolicyLocal(virtual)) return cluster
  return local.length === 0 && virtual.kind !== 'cluster IP' ? cluster : local
}

function realServer({ ip, port }: Endpoint): RealServer {
  return { address: ip, port, weight: 1 }
}
