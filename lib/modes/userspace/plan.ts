import { type ListenerSpec } from '../../dataplane/listener-plan.js'
import { type IpAddress, type IpFamily, unspecifiedAddress } from '../../model/address.js'
import { type ServicePort } from '../../model/service-port.js'
import { type ServedPort, type ServiceSnapshot } from '../../model/snapshot.js'
import { type Entrance, clientsOfEntrance, endpointsOfEntrance, entranceKey, entrancesOf } from './entrance.js'

export interface ListenerPlanOptions {
  /** The node's address to listen on. */
  readonly addressOf: (family: IpFamily) => IpAddress
  /** The proxy port to ask for; undefined leaves the listener out. */
  readonly portOf: (servicePort: ServicePort, key: string) => number | undefined
  /** Whether a service port has its node port for itself; see `settleClaims`. */
  readonly hasNodePort: (servicePort: ServicePort) => boolean
  /** Whether node ports answer on loopback too. */
  readonly localhostNodePorts: (family: IpFamily) => boolean
}

/**
 * What is served from userspace: the listeners of a snapshot, by key; see `entranceKey` and `nodePortKey`. SCTP has no
 * sockets in Node and is left out.
 *
 * @param previous the last plan: a spec that comes out equal is taken from there, so that comparing references is enough
 */
export function listenerSpecs(
  snapshot: ServiceSnapshot,
  options: ListenerPlanOptions,
  previous: ReadonlyMap<string, ListenerSpec>,
): Map<string, ListenerSpec> {
  const specs = new Map<string, ListenerSpec>()
  const add = (spec: ListenerSpec | undefined): void => {
    if (spec === undefined) return
    const before = previous.get(spec.key)
    specs.set(spec.key, before !== undefined && sameSpec(before, spec) ? before : spec)
  }
  for (const served of snapshot.ports.values()) {
    if (served.servicePort.protocol === 'SCTP') continue
    for (const entrance of entrancesOf(served.servicePort)) add(entranceSpec(served, entrance, options, previous))
    if (options.hasNodePort(served.servicePort))
      add(nodePortSpec(served, options.localhostNodePorts(served.servicePort.family)))
  }
  return specs
}

/** The key of the listener that holds a service port's node port. */
export function nodePortKey(servicePort: Pick<ServicePort, 'key' | 'nodePort'>): string {
  return `${servicePort.key}#node-port-${servicePort.nodePort}`
}

function entranceSpec(
  served: ServedPort,
  entrance: Entrance,
  { addressOf, portOf }: ListenerPlanOptions,
  previous: ReadonlyMap<string, ListenerSpec>,
): ListenerSpec | undefined {
  const { servicePort } = served
  const key = entranceKey(servicePort.key, entrance)
  const port = previous.get(key)?.port ?? portOf(servicePort, key)
  if (port === undefined) return undefined
  const address = addressOf(servicePort.family)
  return {
    ...common(served, key),
    address,
    port,
    endpoints: endpointsOfEntrance(served, entrance),
    clients: clientsOfEntrance(servicePort, entrance, address),
    holdsNodePort: false,
  }
}

function nodePortSpec(served: ServedPort, servesLoopback: boolean): ListenerSpec {
  const { servicePort, usable } = served
  return {
    ...common(served, nodePortKey(servicePort)),
    address: unspecifiedAddress(servicePort.family),
    port: servicePort.nodePort,
    endpoints: servesLoopback ? usable.cluster : NOBODY,
    clients: undefined,
    holdsNodePort: true,
  }
}

const NOBODY: ListenerSpec['endpoints'] = []

function common({ servicePort }: ServedPort, key: string) {
  return {
    key,
    namespace: servicePort.namespace,
    service: servicePort.name,
    portName: servicePort.portName,
    protocol: servicePort.protocol === 'UDP' ? 'UDP' : 'TCP',
    affinityMs: servicePort.affinitySeconds === undefined ? undefined : servicePort.affinitySeconds * 1000,
  } as const
}

function sameSpec(a: ListenerSpec, b: ListenerSpec): boolean {
  return (
    a.endpoints === b.endpoints &&
    a.affinityMs === b.affinityMs &&
    a.address === b.address &&
    a.port === b.port &&
    JSON.stringify(a.clients) === JSON.stringify(b.clients)
  )
}
