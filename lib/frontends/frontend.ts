import { type IpAddress } from '../model/address.js'
import { type ServicePort } from '../model/service-port.js'
import { type ServedPort } from '../model/snapshot.js'

/**
 * Which endpoints serve the traffic to an address, and which clients are let in:
 *
 *     cluster             all endpoints, all clients: the ClusterIP, and external traffic with policy Cluster
 *     local               endpoints on this node: internal or external policy Local
 *     cluster-firewalled  as cluster, but only clients in the source ranges: load-balancer IPs with source ranges, and the node
 *                         port if the operator applies the ranges there too
 *     local-firewalled    as local, with the same limit
 */
export type TrafficClass = 'cluster' | 'local' | 'cluster-firewalled' | 'local-firewalled'

/**
 * What happens to packets to a frontend: a traffic class serves them, or, when all endpoints are on other nodes, they are
 * dropped.
 */
export type TrafficAction = TrafficClass | 'drop'

/** The field of the Service that a frontend comes from. */
export type FrontendKind = 'cluster IP' | 'external IP' | 'load-balancer IP' | 'node port'

/**
 * An address and port that clients use to reach a service port, or a node port on every address of the node. What happens to
 * a packet depends on its source: with external policy Local, Pods and the node itself are served as inside the cluster (KEP-2086).
 */
export interface Frontend {
  readonly kind: FrontendKind
  /** For messages, and unique within a service port: `cluster IP 10.96.0.10:80/TCP`, `node port 30080/TCP`. */
  readonly name: string
  readonly servicePort: ServicePort
  /** Undefined: a node port. */
  readonly address: IpAddress | undefined
  readonly port: number
  /** For packets of processes on this node. */
  readonly fromNode: TrafficAction
  /** For packets of the cluster's Pods, as far as the node can recognise them. */
  readonly fromPods: TrafficAction
  /** For all other packets. */
  readonly fromExternal: TrafficAction
}

/** Whether a frontend is open only to clients in the source ranges. */
export function isFirewalled({ fromPods }: Frontend): boolean {
  return fromPods === 'cluster-firewalled' || fromPods === 'local-firewalled'
}

/** All frontends of one service port: its cluster IP, external IPs, load-balancer IPs and node port, in this order. */
export function frontendsOf(served: ServedPort): Frontend[] {
  const { servicePort } = served
  const internalAction = servicePort.internalPolicyLocal ? localOrDrop(served, 'local') : 'cluster'
  const externalActions = buildExternalActions(served, 'cluster', 'local')
  const firewalledActions = buildExternalActions(served, 'cluster-firewalled', 'local-firewalled')
  const loadBalancerActions = servicePort.sourceRanges === undefined ? externalActions : firewalledActions
  const nodePortActions = servicePort.rangesAtNodePort ? firewalledActions : externalActions
  const build = (
    kind: FrontendKind,
    address: IpAddress | undefined,
    port: number,
    actions: TrafficActions,
  ): Frontend => ({
    kind,
    name: `${kind} ${address === undefined ? '' : `${address}:`}${port}/${servicePort.protocol}`,
    servicePort,
    address,
    port,
    ...actions,
  })
  return [
    build('cluster IP', servicePort.clusterIP, servicePort.port, {
      fromNode: internalAction,
      fromPods: internalAction,
      fromExternal: internalAction,
    }),
    ...servicePort.externalIPs.map(ip => build('external IP', ip, servicePort.port, externalActions)),
    ...servicePort.loadBalancerIPs.map(ip => build('load-balancer IP', ip, servicePort.port, loadBalancerActions)),
    ...(servicePort.nodePort === 0 ? [] : [build('node port', undefined, servicePort.nodePort, nodePortActions)]),
  ]
}

type TrafficActions = Pick<Frontend, 'fromNode' | 'fromPods' | 'fromExternal'>

/**
 * External policy Local restricts only external clients to this node's endpoints. Pods and the node itself reach all of them.
 */
function buildExternalActions(served: ServedPort, cluster: TrafficClass, local: TrafficClass): TrafficActions {
  const fromExternal = served.servicePort.externalPolicyLocal ? localOrDrop(served, local) : cluster
  return { fromNode: cluster, fromPods: cluster, fromExternal }
}

/** Drops packets, not refuses them, when all endpoints are on other nodes: a retry of the client may reach a node with one. */
function localOrDrop({ usable }: ServedPort, trafficClass: TrafficClass): TrafficAction {
  return usable.local.length === 0 && usable.hasAny ? 'drop' : trafficClass
}
