import { type IpAddress, type IpFamily } from './address.js'
import { type BalancerName } from './balancer-name.js'
import { type Cidr } from './cidr.js'
import { type Protocol } from './protocol.js'

/** The identity of everything below: one port of one Service in one IP family. See `servicePortKey`. */
export type ServicePortKey = string

/** One entry of `Service.spec.ports`, for one IP family, with what the proxy needs to know of the Service around it. */
export interface ServicePort {
  readonly key: ServicePortKey
  readonly family: IpFamily
  readonly namespace: string
  readonly name: string
  /** Empty for the unnamed port of a single-port Service. */
  readonly portName: string
  readonly protocol: Protocol
  readonly clusterIP: IpAddress
  readonly port: number
  /** Seconds a client stays with its endpoint after its last connection; undefined: no session affinity. */
  readonly affinitySeconds: number | undefined
  /** How the endpoint for a new client is chosen, or for one without affinity. */
  readonly balancer: BalancerName
  /** How many connections (UDP: flows) this node may have open for the whole Service; undefined: any number. */
  readonly maxConnections: number | undefined
  /** The same for each client address by itself. */
  readonly maxConnectionsPerClient: number | undefined
  /** `internalTrafficPolicy: Local`: only endpoints on this node serve the ClusterIP (KEP-2086). */
  readonly internalPolicyLocal: boolean
  /** `externalTrafficPolicy: Local`: only endpoints on this node serve clients from outside the cluster. */
  readonly externalPolicyLocal: boolean
  /** Held on every node; 0: none. */
  readonly nodePort: number
  readonly externalIPs: readonly IpAddress[]
  readonly loadBalancerIPs: readonly IpAddress[]
  /** Who may reach the load-balancer IPs; undefined: everybody, empty: nobody of this family. */
  readonly sourceRanges: readonly Cidr[] | undefined
  /** Whether the source ranges count for the node port too: only where the operator asks for it. */
  readonly rangesAtNodePort: boolean
  /** Where load balancers ask for the health of the whole Service; 0: nowhere. */
  readonly healthCheckNodePort: number
  /** ms since 1970; see ServiceObject. */
  readonly createdAt: number
}

/** Whether a service port can be reached from outside the cluster. */
export function isExternallyAccessible(
  port: Pick<ServicePort, 'nodePort' | 'externalIPs' | 'loadBalancerIPs'>,
): boolean {
  return port.nodePort !== 0 || port.externalIPs.length > 0 || port.loadBalancerIPs.length > 0
}

/**
 * The protocol belongs to the identity, so that TCP and UDP may share a port number (KEP-1435);
 * the family does, because each family has its own addresses and endpoints.
 */
export function servicePortKey(
  port: Pick<ServicePort, 'family' | 'namespace' | 'name' | 'portName' | 'protocol'>,
): ServicePortKey {
  return `${port.family}/${servicePortName(port)}/${port.protocol}`
}

/** `namespace/name:portName`, or `namespace/name` for an unnamed port: the text kube-proxy uses in rules and logs. */
export function servicePortName(port: Pick<ServicePort, 'namespace' | 'name' | 'portName'>): string {
  const service = `${port.namespace}/${port.name}`
  return port.portName === '' ? service : `${service}:${port.portName}`
}
