import { type ListenerSpec } from '../../dataplane/listener-plan.js'
import { type IpAddress, type IpFamily } from '../../model/address.js'
import { type ServicePort, type ServicePortKey } from '../../model/service-port.js'
import { type ServedPort, type ServiceSnapshot } from '../../model/snapshot.js'
import { type TrafficClass } from '../../frontends/frontend.js'
import { isEqual } from '../../primitives/reuse-equal.js'
import { type ListenerKeys } from './listener-keys.js'
import { type NodePortListener, type NodePortPlace, nodePortListeners } from './node-port-listeners.js'
import { trafficClassSourceRanges, trafficClassEndpoints, trafficClassesOf } from './traffic-classes.js'

/** Everything that the listeners of userspace mode depend on. */
export interface ListenerPlanInput {
  readonly snapshot: ServiceSnapshot
  /** The node's address to listen on, for each family in the snapshot. */
  readonly listenAddresses: ReadonlyMap<IpFamily, IpAddress>
  /** Proxy ports by listener key, for what `listenersWithoutPort` lists. A listener without a port is left out. */
  readonly proxyPorts: ReadonlyMap<string, number>
  /** Service ports that own their node port; see `resolveAddressConflicts`. */
  readonly nodePortOwners: ReadonlySet<ServicePortKey>
  /** Where node ports are held, for each family in the snapshot. */
  readonly nodePortPlaces: ReadonlyMap<IpFamily, NodePortPlace>
  readonly keys: ListenerKeyOf
}

/** The keys of the listeners of traffic classes; see `ListenerKeys`. */
export type ListenerKeyOf = Pick<ListenerKeys, 'of'>

/** A listener that needs a proxy port. */
export interface PortlessListener {
  readonly key: string
  readonly servicePort: ServicePort
}

/**
 * The listeners of a snapshot that the last plan does not have, in the order in which they get proxy ports. Listeners of node
 * ports are not among them: the Service names their port.
 */
export function listenersWithoutPort(
  snapshot: ServiceSnapshot,
  previous: ReadonlyMap<string, ListenerSpec>,
  keys: ListenerKeyOf,
): PortlessListener[] {
  return [...snapshot.ports.values()].filter(isSupported).flatMap(({ servicePort }) =>
    trafficClassesOf(servicePort)
      .map(trafficClass => keys.of(servicePort.key, trafficClass))
      .filter(key => !previous.has(key))
      .map(key => ({ key, servicePort })),
  )
}

/**
 * The plan of userspace mode: its listeners by key; see `ListenerKeys` and `nodePortListeners`.
 *
 * @param previous the last plan: a spec that comes out equal is taken from there, so that comparing references is enough
 */
export function listenerSpecs(
  input: ListenerPlanInput,
  previous: ReadonlyMap<string, ListenerSpec>,
): Map<string, ListenerSpec> {
  const specs = new Map<string, ListenerSpec>()
  const add = (served: ServedPort, key: string, variant: ListenerVariant | undefined): void => {
    if (variant === undefined) return
    const existing = previous.get(key)
    specs.set(
      key,
      existing !== undefined && isUnchanged(existing, served, variant) ? existing : buildSpec(served, key, variant),
    )
  }
  for (const served of input.snapshot.ports.values()) {
    if (!isSupported(served)) continue
    const { servicePort } = served
    for (const trafficClass of trafficClassesOf(servicePort)) {
      const key = input.keys.of(servicePort.key, trafficClass)
      const port = previous.get(key)?.port ?? input.proxyPorts.get(key)
      add(served, key, trafficClassVariant(served, trafficClass, port, input))
    }
    const place = input.nodePortPlaces.get(servicePort.family)
    if (place === undefined || !input.nodePortOwners.has(servicePort.key)) continue
    for (const { key, variant } of nodePortListeners(served, place)) add(served, key, variant)
  }
  return specs
}

/** Whether userspace mode can serve a port: Node.js has no sockets for SCTP. */
export function isSupported({ servicePort }: ServedPort): boolean {
  return servicePort.protocol !== 'SCTP'
}

/** What differs between the listeners of one service port. */
type ListenerVariant = NodePortListener['variant']

function trafficClassVariant(
  served: ServedPort,
  trafficClass: TrafficClass,
  port: number | undefined,
  { listenAddresses }: ListenerPlanInput,
): ListenerVariant | undefined {
  if (port === undefined) return undefined
  const { servicePort } = served
  const address = listenAddresses.get(servicePort.family)!
  return {
    address,
    port,
    endpoints: trafficClassEndpoints(served, trafficClass),
    sourceRanges: trafficClassSourceRanges(servicePort, trafficClass, address),
    holdsNodePort: false,
  }
}

function buildSpec({ servicePort }: ServedPort, key: string, variant: ListenerVariant): ListenerSpec {
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
    ...variant,
  }
}

/** Compares what does not follow from the key. */
function isUnchanged(existing: ListenerSpec, { servicePort }: ServedPort, variant: ListenerVariant): boolean {
  return (
    existing.endpoints === variant.endpoints &&
    existing.affinityMs === affinityMs(servicePort) &&
    existing.balancer === servicePort.balancer &&
    existing.maxConnections === servicePort.maxConnections &&
    existing.maxConnectionsPerClient === servicePort.maxConnectionsPerClient &&
    existing.address === variant.address &&
    existing.port === variant.port &&
    isEqual(existing.sourceRanges, variant.sourceRanges)
  )
}

function affinityMs({ affinitySeconds }: ServicePort): number | undefined {
  return affinitySeconds === undefined ? undefined : affinitySeconds * 1000
}
