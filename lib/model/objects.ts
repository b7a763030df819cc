import { type IpAddress, type IpFamily } from './address.js'
import { type BalancerName } from './service-port.js'
import { type Cidr } from './cidr.js'
import { type Protocol } from './protocol.js'

/** The kinds of API objects that the proxy reads. */
export type ObjectKind = 'Service' | 'EndpointSlice' | 'Endpoints' | 'Node'

/** Identifies an object of one kind; `namespace` is empty for Nodes. */
export interface ObjectName {
  readonly namespace: string
  readonly name: string
}

/** The fields of a v1 Service that the proxy reads, checked, with defaults. */
export interface ServiceObject extends ObjectName {
  /** Distinguishes it from earlier Services of the same name; empty in manifests. */
  readonly uid: string
  readonly labels: Readonly<Record<string, string>>
  readonly type: string
  /** `None` for a headless Service; empty while none is assigned. */
  readonly clusterIP: string
  /** The valid addresses of both families, in order. */
  readonly clusterIPs: readonly IpAddress[]
  readonly ports: readonly ServiceObjectPort[]
  /** Seconds that a client keeps its endpoint (session affinity); undefined: no affinity. */
  readonly affinitySeconds: number | undefined
  /** Annotation `kube-proxy-node/balancer`. */
  readonly balancer: BalancerName
  /** Annotation `kube-proxy-node/max-connections`; undefined: no limit. */
  readonly maxConnections: number | undefined
  /** Annotation `kube-proxy-node/max-connections-per-client`; undefined: no limit. */
  readonly maxConnectionsPerClient: number | undefined
  /** Whether `internalTrafficPolicy` is `Local`. */
  readonly internalPolicyLocal: boolean
  /** Whether `externalTrafficPolicy` is `Local` and applies: to NodePort and LoadBalancer Services, and to external IPs. */
  readonly externalPolicyLocal: boolean
  /** Valid addresses of `spec.externalIPs`, of both families. */
  readonly externalIPs: readonly IpAddress[]
  /** Addresses in `status.loadBalancer`, except those with `ipMode: Proxy` (KEP-1860), which the load balancer handles. */
  readonly loadBalancerIPs: readonly IpAddress[]
  /** Client ranges that may reach the load-balancer IPs; undefined: all clients. An unreadable range admits no client. */
  readonly sourceRanges: readonly Cidr[] | undefined
  /** Port for the load balancer's health checks; 0: none. */
  readonly healthCheckNodePort: number
  /** `metadata.creationTimestamp`, ms since 1970; 0 when unknown. The older of two Services with the same address wins. */
  readonly createdAt: number
}

/** One port of a Service. */
export interface ServiceObjectPort extends ObjectPort {
  /** The node port; 0: none. */
  readonly nodePort: number
}

/** One port of a Service or of its endpoints. */
export interface ObjectPort {
  /** Connects a Service port to the ports of its endpoints; empty for an unnamed port. */
  readonly name: string
  readonly protocol: Protocol
  readonly port: number
}

/** A discovery.k8s.io EndpointSlice (v1 or v1beta1), or a part of a core/v1 Endpoints object. */
export interface EndpointSliceObject extends ObjectName {
  readonly serviceName: string
  readonly family: IpFamily
  readonly ports: readonly ObjectPort[]
  readonly endpoints: readonly EndpointSliceEndpoint[]
  /** Endpoints that are ignored for their address; absent: none. Only explanations read them. */
  readonly refused?: readonly RefusedEndpoint[]
  /** When this version changed (annotation `endpoints.kubernetes.io/last-change-trigger-time`), ms since 1970. */
  readonly triggerTime: number | undefined
}

/** One endpoint of a slice, before its ports are known. Endpoint documents the fields. */
export interface EndpointSliceEndpoint {
  readonly ip: IpAddress
  readonly ready: boolean
  readonly serving: boolean
  readonly terminating: boolean
  /** Empty when the slice does not name the node. */
  readonly nodeName: string
  /** Whether its `targetRef` names a Pod. */
  readonly isPod: boolean
  readonly zoneHints: readonly string[]
  readonly nodeHints: readonly string[]
}

/** An entry of a slice that can never be an endpoint. */
export interface RefusedEndpoint {
  /** The address; an unreadable value as printable JSON. */
  readonly address: string
  /** What is wrong with it: `a loopback address, which may not be an endpoint`. */
  readonly why: string
}

/** The fields of a v1 Node that the proxy reads. */
export interface NodeObject {
  readonly name: string
  /** `topology.kubernetes.io/zone`; empty when the Node has none. */
  readonly zone: string
  /** `status.addresses` of type InternalIP first, then ExternalIP. */
  readonly addresses: readonly IpAddress[]
  /** Address ranges of its Pods (`spec.podCIDRs`). */
  readonly podCIDRs: readonly Cidr[]
  /**
   * Whether load balancers should send to this node: not while it is being deleted, or the cluster autoscaler is about to
   * remove it (taint `ToBeDeletedByClusterAutoscaler`).
   */
  readonly eligible: boolean
}

/** `namespace/name`, the key of an object in the store. */
export function objectKey({ namespace, name }: ObjectName): string {
  return `${namespace}/${name}`
}
