import { type IpAddress, type IpFamily } from '../../model/address.js'
import { type ServicePortKey } from '../../model/service-port.js'
import { type ServedPort, type ServiceSnapshot } from '../../model/snapshot.js'
import { type ListenerSpec } from '../../dataplane/listener-plan.js'

/**
 * What is served from userspace: the listener specs of a snapshot. SCTP has no sockets in Node and is left out.
 *
 * @param addressOf the node's address to listen on
 * @param portOf the proxy port to ask for; undefined leaves the service port out
 * @param previous the last plan: a spec that comes out equal is taken from there, so that comparing references is enough
 */
export function listenerSpecs(
  snapshot: ServiceSnapshot,
  addressOf: (family: IpFamily) => IpAddress,
  portOf: (served: ServedPort) => number | undefined,
  previous: ReadonlyMap<ServicePortKey, ListenerSpec>,
): Map<ServicePortKey, ListenerSpec> {
  const specs = new Map<ServicePortKey, ListenerSpec>()
  for (const [key, served] of snapshot.ports) {
    if (served.servicePort.protocol === 'SCTP') continue
    const before = previous.get(key)
    const port = before?.port ?? portOf(served)
    if (port === undefined) continue
    const spec = listenerSpec(served, addressOf(served.servicePort.family), port)
    specs.set(key, before !== undefined && sameSpec(before, spec) ? before : spec)
  }
  return specs
}

function listenerSpec({ servicePort, usable }: ServedPort, address: IpAddress, port: number): ListenerSpec {
  return {
    key: servicePort.key,
    namespace: servicePort.namespace,
    service: servicePort.name,
    portName: servicePort.portName,
    protocol: servicePort.protocol === 'UDP' ? 'UDP' : 'TCP',
    address,
    port,
    endpoints: servicePort.internalPolicyLocal ? usable.local : usable.cluster,
    affinityMs: servicePort.affinitySeconds === undefined ? undefined : servicePort.affinitySeconds * 1000,
    clients: undefined,
    holdsNodePort: false,
  }
}

function sameSpec(a: ListenerSpec, b: ListenerSpec): boolean {
  return a.endpoints === b.endpoints && a.affinityMs === b.affinityMs && a.address === b.address && a.port === b.port
}
