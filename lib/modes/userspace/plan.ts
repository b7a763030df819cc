import { type ListenerSpec } from '../../dataplane/listener-plan.js'
import { type IpAddress, type IpFamily, unspecifiedAddress } from '../../model/address.js'
import { cidrContains } from '../../model/cidr.js'
import { type ServicePort } from '../../model/service-port.js'
import { type ServedPort, type ServiceSnapshot } from '../../model/snapshot.js'
import { type Entrance } from '../portals.js'
import { clientsOfEntrance, endpointsOfEntrance, entranceKey, entrancesOf } from './entrance.js'

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
  const add = (served: ServedPort, key: string, door: Door | undefined): void => {
    if (door === undefined) return
    const before = previous.get(key)
    specs.set(key, before !== undefined && isAsBefore(before, served, door) ? before : specOf(served, key, door))
  }
  for (const served of snapshot.ports.values()) {
    const { servicePort } = served
    if (servicePort.protocol === 'SCTP') continue
    for (const entrance of entrancesOf(servicePort)) {
      const key = entranceKey(servicePort.key, entrance)
      add(served, key, entranceDoor(served, entrance, key, options, previous.get(key)?.port))
    }
    if (options.hasNodePort(servicePort)) add(served, nodePortKey(servicePort), nodePortDoor(served, options))
  }
  return specs
}

/** The key of the listener that holds a service port's node port. */
export function nodePortKey(servicePort: Pick<ServicePort, 'key' | 'nodePort'>): string {
  return `${servicePort.key}#node-port-${servicePort.nodePort}`
}

/** What tells the listeners of a service port apart. */
type Door = Pick<ListenerSpec, 'address' | 'port' | 'endpoints' | 'clients' | 'holdsNodePort'>

function entranceDoor(
  served: ServedPort,
  entrance: Entrance,
  key: string,
  { addressOf, portOf }: ListenerPlanOptions,
  portBefore: number | undefined,
): Door | undefined {
  const { servicePort } = served
  const port = portBefore ?? portOf(servicePort, key)
  if (port === undefined) return undefined
  const address = addressOf(servicePort.family)
  return {
    address,
    port,
    endpoints: endpointsOfEntrance(served, entrance),
    clients: clientsOfEntrance(servicePort, entrance, address),
    holdsNodePort: false,
  }
}

/** Loopback is this node: where source ranges count for node ports, it is served if the node is in them. */
function nodePortDoor({ servicePort, usable }: ServedPort, options: ListenerPlanOptions): Door {
  const { family, rangesAtNodePort, sourceRanges = [] } = servicePort
  const isLetIn = !rangesAtNodePort || sourceRanges.some(range => cidrContains(range, options.addressOf(family)))
  const servesLoopback = isLetIn && options.localhostNodePorts(family)
  return {
    address: unspecifiedAddress(servicePort.family),
    port: servicePort.nodePort,
    endpoints: servesLoopback ? usable.cluster : NOBODY,
    clients: undefined,
    holdsNodePort: true,
  }
}

const NOBODY: ListenerSpec['endpoints'] = []

function specOf({ servicePort }: ServedPort, key: string, door: Door): ListenerSpec {
  return {
    key,
    namespace: servicePort.namespace,
    service: servicePort.name,
    portName: servicePort.portName,
    protocol: servicePort.protocol === 'UDP' ? 'UDP' : 'TCP',
    affinityMs: affinityMs(servicePort),
    balancer: servicePort.balancer,
    maxConnections: servicePort.maxConnections,
    maxConnectionsPerClient: servicePort.maxConnectionsPerClient,
    ...door,
  }
}

/** What is not compared follows from the key. */
function isAsBefore(before: ListenerSpec, { servicePort }: ServedPort, door: Door): boolean {
  return (
    before.endpoints === door.endpoints &&
    before.affinityMs === affinityMs(servicePort) &&
    before.balancer === servicePort.balancer &&
    before.maxConnections === servicePort.maxConnections &&
    before.maxConnectionsPerClient === servicePort.maxConnectionsPerClient &&
    before.address === door.address &&
    before.port === door.port &&
    (before.clients === door.clients || JSON.stringify(before.clients) === JSON.stringify(door.clients))
  )
}

function affinityMs({ affinitySeconds }: ServicePort): number | undefined {
  return affinitySeconds === undefined ? undefined : affinitySeconds * 1000
}
