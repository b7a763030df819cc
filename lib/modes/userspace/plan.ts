import { type ListenerSpec } from '../../dataplane/listener-plan.js'
import { type IpAddress, type IpFamily, unspecifiedAddress } from '../../model/address.js'
import { cidrContains } from '../../model/cidr.js'
import { type ServicePort } from '../../model/service-port.js'
import { type ServedPort, type ServiceSnapshot } from '../../model/snapshot.js'
import { type TrafficClass } from '../../frontends/frontend.js'
import { trafficClassSourceRanges, trafficClassEndpoints, listenerKey, trafficClassesOf } from './traffic-classes.js'

export interface ListenerPlanOptions {
  /** The node's address to listen on. */
  readonly getListenAddress: (family: IpFamily) => IpAddress
  /** The proxy port to ask for; undefined leaves the listener out. */
  readonly claimPort: (servicePort: ServicePort, key: string) => number | undefined
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
  const add = (served: ServedPort, key: string, variant: ListenerVariant | undefined): void => {
    if (variant === undefined) return
    const existing = previous.get(key)
    specs.set(
      key,
      existing !== undefined && isUnchanged(existing, served, variant) ? existing : buildSpec(served, key, variant),
    )
  }
  for (const served of snapshot.ports.values()) {
    const { servicePort } = served
    if (servicePort.protocol === 'SCTP') continue
    for (const trafficClass of trafficClassesOf(servicePort)) {
      const key = listenerKey(servicePort.key, trafficClass)
      add(served, key, trafficClassVariant(served, trafficClass, key, options, previous.get(key)?.port))
    }
    if (options.hasNodePort(servicePort)) add(served, nodePortKey(servicePort), nodePortVariant(served, options))
  }
  return specs
}

/** The key of the listener that holds a service port's node port. */
export function nodePortKey(servicePort: Pick<ServicePort, 'key' | 'nodePort'>): string {
  return `${servicePort.key}#node-port-${servicePort.nodePort}`
}

/** What tells the listeners of a service port apart. */
type ListenerVariant = Pick<ListenerSpec, 'address' | 'port' | 'endpoints' | 'sourceRanges' | 'holdsNodePort'>

function trafficClassVariant(
  served: ServedPort,
  trafficClass: TrafficClass,
  key: string,
  { getListenAddress, claimPort }: ListenerPlanOptions,
  previousPort: number | undefined,
): ListenerVariant | undefined {
  const { servicePort } = served
  const port = previousPort ?? claimPort(servicePort, key)
  if (port === undefined) return undefined
  const address = getListenAddress(servicePort.family)
  return {
    address,
    port,
    endpoints: trafficClassEndpoints(served, trafficClass),
    sourceRanges: trafficClassSourceRanges(servicePort, trafficClass, address),
    holdsNodePort: false,
  }
}

/** Loopback is this node: where source ranges count for node ports, it is served if the node is in them. */
function nodePortVariant({ servicePort, usable }: ServedPort, options: ListenerPlanOptions): ListenerVariant {
  const { family, rangesAtNodePort, sourceRanges = [] } = servicePort
  const isNodeAllowed =
    !rangesAtNodePort || sourceRanges.some(range => cidrContains(range, options.getListenAddress(family)))
  const servesLoopback = isNodeAllowed && options.localhostNodePorts(family)
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

/** What is not compared follows from the key. */
function isUnchanged(existing: ListenerSpec, { servicePort }: ServedPort, variant: ListenerVariant): boolean {
  return (
    existing.endpoints === variant.endpoints &&
    existing.affinityMs === affinityMs(servicePort) &&
    existing.balancer === servicePort.balancer &&
    existing.maxConnections === servicePort.maxConnections &&
    existing.maxConnectionsPerClient === servicePort.maxConnectionsPerClient &&
    existing.address === variant.address &&
    existing.port === variant.port &&
    (existing.sourceRanges === variant.sourceRanges ||
      JSON.stringify(existing.sourceRanges) === JSON.stringify(variant.sourceRanges))
  )
}

function affinityMs({ affinitySeconds }: ServicePort): number | undefined {
  return affinitySeconds === undefined ? undefined : affinitySeconds * 1000
}
