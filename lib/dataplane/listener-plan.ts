import { type Endpoint } from '../model/endpoint.js'
import { type Cidr } from '../model/cidr.js'
import { type BalancerName } from '../model/service-port.js'
import { type IpAddress, familyOf, unspecifiedAddress } from '../model/address.js'
import { type ServicePortKey } from '../model/service-port.js'

/** One port to serve on the node: where to listen, and which endpoints get the clients. Plain data, which can be sent to a worker. */
export interface ListenerSpec {
  readonly key: ServicePortKey
  readonly namespace: string
  readonly service: string
  readonly portName: string
  readonly protocol: 'TCP' | 'UDP'
  /** Address of the node to listen on. */
  readonly address: IpAddress
  /** Proxy port to listen on; 0: the kernel chooses. Used only when the listener opens. */
  readonly port: number
  /** Endpoints that may be picked, in the order of their turns. The same array as long as nothing changes. */
  readonly endpoints: readonly Pick<Endpoint, 'ip' | 'port'>[]
  /** Milliseconds a client stays with its endpoint after its last use; undefined: no session affinity. */
  readonly affinityMs: number | undefined
  /** How a new client gets its endpoint. */
  readonly balancer: BalancerName
  /** The most connections (UDP: flows) that all listeners of the Service may have together; undefined: no limit. */
  readonly maxConnections: number | undefined
  /** The most that each client address may have; undefined: no limit. */
  readonly maxConnectionsPerClient: number | undefined
  /** Address ranges of the clients that are served; undefined: all clients. The same array as long as nothing changes. */
  readonly sourceRanges: readonly Cidr[] | undefined
  /**
   * Occupies a node port, so that no other process takes it. It serves only processes of this node, which have a loopback
   * address. Rules redirect all other clients to another listener; a client that gets around the rules, for
   * example to 127.0.0.1 of a node that accepts that from outside (CVE-2020-8558), is refused.
   */
  readonly holdsNodePort: boolean
}

/** Whether a listener has to listen: it has endpoints, or it occupies a node port. */
export function shouldListen(spec: ListenerSpec): boolean {
  return spec.endpoints.length > 0 || spec.holdsNodePort
}

/** Whether the Service of a listener has a connection limit. */
export function hasConnectionLimit({
  maxConnections,
  maxConnectionsPerClient,
}: Pick<ListenerSpec, 'maxConnections' | 'maxConnectionsPerClient'>): boolean {
  return maxConnections !== undefined || maxConnectionsPerClient !== undefined
}

/** Whether a listener listens on all addresses of the node. */
export function isOnAllAddresses({ address }: Pick<ListenerSpec, 'address'>): boolean {
  return address === unspecifiedAddress(familyOf(address))
}

type SocketPlace = Pick<ListenerSpec, 'protocol' | 'address'>

/** Whether two listeners cannot have the same port number. */
export function isPortConflict(a: SocketPlace, b: SocketPlace): boolean {
  const isSameKind = a.protocol === b.protocol && familyOf(a.address) === familyOf(b.address)
  return isSameKind && (a.address === b.address || isOnAllAddresses(a) || isOnAllAddresses(b))
}

/** The whole desired state: all ports to serve. */
export type ListenerPlan = ReadonlyMap<ServicePortKey, ListenerSpec>
