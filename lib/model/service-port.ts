import { type IpAddress, type IpFamily } from './address.js'
import { type Cidr } from './cidr.js'
import { type Protocol } from './protocol.js'

/** The ways to choose the endpoint for a new client; the first is the default. */
export const BALANCER_NAMES = ['round-robin', 'least-connections', 'random-two-choices'] as const

/** One of `BALANCER_NAMES`. */
export type BalancerName = (typeof BALANCER_NAMES)[number]

/** Identifies one port of one Service in one IP family. See `servicePortKey`. */
export type ServicePortKey = string

/** One entry of `Service.spec.ports`, for one IP family, with the fields of its Service that the proxy needs. */
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
  /** Seconds that a client keeps its endpoint after its last connection; undefined: no session affinity. */
  readonly affinitySeconds: number | undefined
  /** How to choose the endpoint for a new client, or for one without affinity. */
  readonly balancer: BalancerName
  /** Most connections (UDP: flows) that this node may have open for the whole Service; undefined: no limit. */
  readonly maxConnections: number | undefined
  /** The same for each client address. */
  readonly maxConnectionsPerClient: number | undefined
  /** `internalTrafficPolicy: Local`: only endpoints on this node serve the ClusterIP (KEP-2086). */
  readonly internalPolicyLocal: boolean
  /** `externalTrafficPolicy: Local`: only endpoints on this node serve clients from outside the cluster. */
  readonly externalPolicyLocal: boolean
  /** The node port, 1 to 65535; 0: none. */
  readonly nodePort: number
  readonly externalIPs: readonly IpAddress[]
  readonly loadBalancerIPs: readonly IpAddress[]
  /** Client ranges that may reach the load-balancer IPs; undefined: all clients, empty: no client of this family. */
  readonly sourceRanges: readonly Cidr[] | undefined
  /** Whether the source ranges apply to the node port too: only when the operator configures it. */
  readonly rangesAtNodePort: boolean
  /** Port of the load balancer's health checks for the whole Service; 0: none. */
  readonly healthCheckNodePort: number
  /** ms since 1970; see ServiceObject. */
  readonly createdAt: number
}

/** Whether clients outside the cluster can reach a service port. */
export function isExternallyAccessible(
  port: Pick<ServicePort, 'nodePort' | 'externalIPs' | 'loadBalancerIPs'>,
): boolean {
  return port.nodePort !== 0 || port.externalIPs.length > 0 || port.loadBalancerIPs.length > 0
}

/**
 * The key of a service port. It includes the protocol, so that TCP and UDP may share a port number (KEP-1435), and the
 * family, because each family has its own addresses and endpoints.
 */
export function servicePortKey(
  port: Pick<ServicePort, 'family' | 'namespace' | 'name' | 'portName' | 'protocol'>,
): ServicePortKey {
  return `${port.family}/${servicePortName(port)}/${port.protocol}`
}

/** `namespace/name:portName`, or `namespace/name` for an unnamed port: kube-proxy's text in rules and logs. */
export function servicePortName(port: Pick<ServicePort, 'namespace' | 'name' | 'portName'>): string {
  const service = `${port.namespace}/${port.name}`
  return port.portName === '' ? service : `${service}:${port.portName}`
}
