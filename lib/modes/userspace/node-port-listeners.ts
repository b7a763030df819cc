import { type ListenerReport } from '../../dataplane/data-plane.js'
import { type ListenerSpec, type ListenerPlan } from '../../dataplane/listener-plan.js'
import { type IpAddress, type IpFamily, unspecifiedAddress, familyOf } from '../../model/address.js'
import { cidrContains } from '../../model/cidr.js'
import { type ServicePort } from '../../model/service-port.js'
import { type ServedPort } from '../../model/snapshot.js'

/** What the listeners of node ports depend on besides their Services, in one IP family. */
export interface NodePortPlace {
  /** The node's address for listeners. */
  readonly nodeAddress: IpAddress
  /** The addresses that serve node ports; undefined: all. */
  readonly served: readonly IpAddress[] | undefined
  /** The node's addresses without loopback; called only where a node port cannot be held on all addresses at once. */
  readonly nodeAddresses: () => readonly IpAddress[]
  /** Whether node ports answer on loopback. */
  readonly isOnLoopback: boolean
  /** Node ports (`nodePortKey`) that cannot be held on all addresses at once, because a socket at one address has the number. */
  readonly splitKeys: ReadonlySet<string>
  /** Whether a listener of this proxy has this port at this address already: so no other process can take it. */
  readonly isProxyPort: (protocol: string, address: IpAddress, port: number) => boolean
}

/** A listener that holds a node port. */
export interface NodePortListener {
  readonly key: string
  readonly variant: Pick<ListenerSpec, 'address' | 'port' | 'endpoints' | 'sourceRanges' | 'holdsNodePort'>
}

const LOOPBACK_ADDRESS: Readonly<Record<IpFamily, IpAddress>> = { IPv4: '127.0.0.1', IPv6: '::1' }

/** The key of the listener that holds a service port's node port at all addresses. */
export function nodePortKey(servicePort: Pick<ServicePort, 'key' | 'nodePort'>): string {
  return `${servicePort.key}#node-port-${servicePort.nodePort}`
}

/**
 * The listeners that hold a node port where it is served, so that no other process takes the number there. Rules lead the clients to
 * another listener, so a number that cannot be held is still served, except on loopback.
 *
 * Held is what is served: all addresses by one socket, or each served address by its own. Loopback cannot be redirected to another
 * address, so the listener there serves itself; where source ranges apply to node ports, only if the node's address is in them.
 */
export function nodePortListeners({ servicePort, usable }: ServedPort, place: NodePortPlace): NodePortListener[] {
  const { family, protocol, nodePort } = servicePort
  const key = nodePortKey(servicePort)
  const endpoints = place.isOnLoopback && isNodeAllowed(servicePort, place.nodeAddress) ? usable.cluster : NO_ENDPOINTS
  const build = (address: IpAddress, served: ListenerSpec['endpoints']): NodePortListener['variant'] => ({
    address,
    port: nodePort,
    endpoints: served,
    sourceRanges: undefined,
    holdsNodePort: true,
  })
  if (place.served === undefined && !place.splitKeys.has(key))
    return [{ key, variant: build(unspecifiedAddress(family), endpoints) }]
  return [
    ...(place.isOnLoopback ? [build(LOOPBACK_ADDRESS[family], endpoints)] : []),
    ...(place.served ?? place.nodeAddresses()).map(address => build(address, NO_ENDPOINTS)),
  ]
    .filter(({ address }) => !place.isProxyPort(protocol, address, nodePort))
    .map(variant => ({ key: `${key}@${variant.address}`, variant }))
}

const NO_ENDPOINTS: ListenerSpec['endpoints'] = []

function isNodeAllowed({ rangesAtNodePort, sourceRanges = [] }: ServicePort, nodeAddress: IpAddress): boolean {
  return !rangesAtNodePort || sourceRanges.some(range => cidrContains(range, nodeAddress))
}

/**
 * Counts the listeners that serve node ports on loopback. Of the listeners that hold a node port, these are those with endpoints:
 * everywhere else rules lead to another listener.
 */
export function countLoopbackListeners(
  plan: ListenerPlan,
  { open, failed }: ListenerReport,
  family: IpFamily,
): { readonly open: number; readonly failed: number } {
  const serving = [...plan.values()].filter(
    ({ holdsNodePort, endpoints, address }) => holdsNodePort && endpoints.length > 0 && familyOf(address) === family,
  )
  return {
    open: serving.filter(({ key }) => open.has(key)).length,
    failed: serving.filter(({ key }) => failed.has(key)).length,
  }
}
