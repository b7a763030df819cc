import { type ListenerSpec } from '../../dataplane/listener-plan.js'
import { type IpAddress, type IpFamily, unspecifiedAddress } from '../../model/address.js'
import { cidrContains } from '../../model/cidr.js'
import { type ServicePort, type ServicePortKey } from '../../model/service-port.js'
import { type ServedPort, type ServiceSnapshot } from '../../model/snapshot.js'
import { type TrafficClass } from '../../frontends/frontend.js'
import { isEqual } from '../../primitives/reuse-equal.js'
import { trafficClassSourceRanges, trafficClassEndpoints, listenerKey, trafficClassesOf } from './traffic-classes.js'

/** Everything that the listeners of userspace mode depend on. */
export interface ListenerPlanInput {
  readonly snapshot: ServiceSnapshot
  /** The node's address to listen on, for each family in the snapshot. */
  readonly listenAddresses: ReadonlyMap<IpFamily, IpAddress>
  /** Proxy ports by listener key, for what `listenersWithoutPort` lists. A listener without a port is left out. */
  readonly proxyPorts: ReadonlyMap<string, number>
  /** Service ports that own their node port; see `resolveAddressConflicts`. */
  readonly nodePortOwners: ReadonlySet<ServicePortKey>
  /** Whether node ports answer on loopback too. */
  readonly loopbackNodePorts: Readonly<Record<IpFamily, boolean>>
}

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
): PortlessListener[] {
  return [...snapshot.ports.values()].filter(isSupported).flatMap(({ servicePort }) =>
    trafficClassesOf(servicePort)
      .map(trafficClass => listenerKey(servicePort.key, trafficClass))
      .filter(key => !previous.has(key))
      .map(key => ({ key, servicePort })),
  )
}

/**
 * The plan of userspace mode: its listeners by key; see `listenerKey` and `nodePortKey`.
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
      const key = listenerKey(servicePort.key, trafficClass)
      const port = previous.get(key)?.port ?? input.proxyPorts.get(key)
      add(served, key, trafficClassVariant(served, trafficClass, port, input))
    }
    if (input.nodePortOwners.has(servicePort.key)) add(served, nodePortKey(servicePort), nodePortVariant(served, input))
  }
  return specs
}

/** Whether userspace mode can serve a port: Node.js has no sockets for SCTP. */
export function isSupported({ servicePort }: ServedPort): boolean {
  return servicePort.protocol !== 'SCTP'
}

/** The key of the listener that holds a service port's node port. */
export function nodePortKey(servicePort: Pick<ServicePort, 'key' | 'nodePort'>): string {
  return `${servicePort.key}#node-port-${servicePort.nodePort}`
}

/** What differs between the listeners of one service port. */
type ListenerVariant = Pick<ListenerSpec, 'address' | 'port' | 'endpoints' | 'sourceRanges' | 'holdsNodePort'>

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

/**
 * The listener on a node port itself serves loopback, which is this node: where source ranges apply to node ports, loopback
 * is served only if the node's address is in them.
 */
function nodePortVariant({ servicePort, usable }: ServedPort, input: ListenerPlanInput): ListenerVariant {
  const { family, rangesAtNodePort, sourceRanges = [] } = servicePort
  const isNodeAllowed =
    !rangesAtNodePort || sourceRanges.some(range => cidrContains(range, input.listenAddresses.get(family)!))
  const servesLoopback = isNodeAllowed && input.loopbackNodePorts[family]
  return {
    address: unspecifiedAddress(servicePort.family),
    port: servicePort.nodePort,
    endpoints: servesLoopback ? usable.cluster : NO_ENDPOINTS,
    sourceRanges: undefined,
    holdsNodePort: true,
  }
}

const NO_ENDPOINTS: ListenerSpec['endpoints'] = []

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
