import { type IpAddress, type IpFamily } from './address.js'
import { type BalancerName } from './balancer-name.js'
import { type Cidr } from './cidr.js'
import { type Protocol } from './protocol.js'

/** The kinds of API objects that decide what the proxy does. */
export type ObjectKind = 'Service' | 'EndpointSlice' | 'Endpoints' | 'Node'

/** Identifies an object of one kind; `namespace` is empty for Nodes. */
export interface ObjectName {
  readonly namespace: string
  readonly name: string
}

/** The few fields of a v1 Service that we read, checked and with defaults filled in. */
export interface ServiceObject extends ObjectName {
  /** What tells it from others of its name that were there before; empty in manifests. */
  readonly uid: string
  readonly labels: Readonly<Record<string, string>>
  readonly type: string
  /** `None` for a headless Service; empty while none is assigned. */
  readonly clusterIP: string
  /** Addresses that parsed, of both families, in order. */
  readonly clusterIPs: readonly IpAddress[]
  readonly ports: readonly ServiceObjectPort[]
  readonly affinitySeconds: number | undefined
  /** Annotation `kube-proxy-node/balancer`. */
  readonly balancer: BalancerName
  /** Annotation `kube-proxy-node/max-connections`; undefined: no limit. */
  readonly maxConnections: number | undefined
  /** Annotation `kube-proxy-node/max-connections-per-client`; undefined: no limit. */
  readonly maxConnectionsPerClient: number | undefined
  readonly internalPolicyLocal: boolean
  /** `externalTrafficPolicy: Local`, where it counts: NodePort and LoadBalancer Services, and those with external IPs. */
  readonly externalPolicyLocal: boolean
  readonly externalIPs: readonly IpAddress[]
  /** Of `status.loadBalancer`, without those that the load balancer delivers itself (`ipMode: Proxy`, KEP-1860). */
  readonly loadBalancerIPs: readonly IpAddress[]
  /** Who may reach the load-balancer IPs; undefined: everybody. A range that could not be read lets nobody in. */
  readonly sourceRanges: readonly Cidr[] | undefined
  /** Port for the load balancer's health checks; 0: none. */
  readonly healthCheckNodePort: number
  /** `metadata.creationTimestamp`, ms since 1970; 0 when unknown. Of two that claim the same address the older one wins. */
  readonly createdAt: number
}

/** One port of a Service, with the port that every node holds for it; 0: none. */
export interface ServiceObjectPort extends ObjectPort {
  readonly nodePort: number
}

/** One port of a Service or of its endpoints; the name ties the two together and is empty for an unnamed one. */
export interface ObjectPort {
  readonly name: string
  readonly protocol: Protocol
  readonly port: number
}

/** A discovery.k8s.io EndpointSlice (v1 or v1beta1), or the core/v1 Endpoints object that stands in for slices. */
export interface EndpointSliceObject extends ObjectName {
  readonly serviceName: string
  readonly family: IpFamily
  readonly ports: readonly ObjectPort[]
  readonly endpoints: readonly EndpointSliceEndpoint[]
  /** Endpoints that are ignored for their address; absent: none. Only explanations read them. */
  readonly refused?: readonly RefusedEndpoint[]
  /** When the change behind this version was made (annotation `endpoints.kubernetes.io/last-change-trigger-time`), ms since 1970. */
  readonly triggerTime: number | undefined
}

export interface EndpointSliceEndpoint {
  readonly ip: IpAddress
  readonly ready: boolean
  readonly serving: boolean
  readonly terminating: boolean
  readonly nodeName: string
  readonly zoneHints: readonly string[]
  readonly nodeHints: readonly string[]
}

/** An entry of a slice that can never be an endpoint. */
export interface RefusedEndpoint {
  /** The address, or what stands in its place, printable. */
  readonly address: string
  /** What is wrong with it: `a loopback address, which may not be an endpoint`. */
  readonly why: string
}

/** The few fields of a v1 Node that we read. */
export interface NodeObject {
  readonly name: string
  /** `topology.kubernetes.io/zone`; empty when the Node has none. */
  readonly zone: string
  /** `status.addresses` of type InternalIP first, then ExternalIP. */
  readonly addresses: readonly IpAddress[]
  /** Ranges that its Pods get their addresses from (`spec.podCIDRs`). */
  readonly podCIDRs: readonly Cidr[]
  /**
   * Whether load balancers should still send to this node: not when it is being deleted, or the cluster autoscaler is about
   * to remove it (taint `ToBeDeletedByClusterAutoscaler`).
   */
  readonly eligible: boolean
}

/** `namespace/name`, the key objects are stored under. */
export function objectKey({ namespace, name }: ObjectName): string {
  return `${namespace}/${name}`
}
