import { type Endpoint } from '../model/endpoint.js'
import { type Cidr } from '../model/cidr.js'
import { type BalancerName } from '../model/service-port.js'
import { type IpAddress, familyOf } from '../model/address.js'
import { type ServicePortKey } from '../model/service-port.js'

/** One port to hold on the node: where to listen and to whom to hand on. Plain data, so that it can be sent to a worker. */
export interface ListenerSpec {
  readonly key: ServicePortKey
  readonly namespace: string
  readonly service: string
  readonly portName: string
  readonly protocol: 'TCP' | 'UDP'
  /** Address of the node to listen on. */
  readonly address: IpAddress
  /** Proxy port to listen on; 0: the kernel chooses. Only counts when the listener is opened. */
  readonly port: number
  /** Endpoints that may be picked, in the order they take turns. The same array while nothing changed. */
  readonly endpoints: readonly Pick<Endpoint, 'ip' | 'port'>[]
  /** Milliseconds a client stays with its endpoint after its last use; undefined: no session affinity. */
  readonly affinityMs: number | undefined
  /** How the endpoint for a new client is chosen. */
  readonly balancer: BalancerName
  /** How many connections (UDP: flows) all listeners of the Service together may have; undefined: any number. */
  readonly maxConnections: number | undefined
  /** The same for each client address by itself. */
  readonly maxConnectionsPerClient: number | undefined
  /** Ranges of the clients that are served; undefined: everybody. The same array while nothing changed. */
  readonly sourceRanges: readonly Cidr[] | undefined
  /**
   * Holds a node port, on all addresses, so that no other process takes it. Only clients with a loopback address are served,
   * who are processes of this node: all others are turned to another listener by rules, and whoever gets here around them,
   * to 127.0.0.1 of a node that lets the outside in there (CVE-2020-8558) say, is refused.
   */
  readonly holdsNodePort: boolean
}

/** Whether a listener has to listen: to serve somebody, or to keep the port. */
export function shouldListen(spec: ListenerSpec): boolean {
  return spec.endpoints.length > 0 || spec.holdsNodePort
}

/** Whether the Service of a listener has a limit of connections. */
export function hasConnectionLimit({
  maxConnections,
  maxConnectionsPerClient,
}: Pick<ListenerSpec, 'maxConnections' | 'maxConnectionsPerClient'>): boolean {
  return maxConnections !== undefined || maxConnectionsPerClient !== undefined
}

/** Whether two listeners could not hold the same port number. */
export function isPortConflict(a: ListenerSpec, b: ListenerSpec): boolean {
  const isSameKind = a.protocol === b.protocol && familyOf(a.address) === familyOf(b.address)
  return isSameKind && (a.address === b.address || a.holdsNodePort || b.holdsNodePort)
}

/** All ports to hold: the whole wanted state. */
export type ListenerPlan = ReadonlyMap<ServicePortKey, ListenerSpec>
