import { type IpAddress } from '../model/address.js'
import { type ServicePort } from '../model/service-port.js'
import { type ServedPort } from '../model/snapshot.js'

/**
 * The set of endpoints, and of clients, that some address of a Service calls for.
 *
 *     cluster          all endpoints, all clients: the ClusterIP, and the outside with policy Cluster
 *     local            endpoints on this node: internal or external policy Local
 *     cluster-firewalled  as cluster, for clients in the source ranges only: load-balancer IPs with such ranges, and the
 *                      node port where the operator wants that
 *     local-firewalled    as local, the same
 */
export type TrafficClass = 'cluster' | 'local' | 'cluster-firewalled' | 'local-firewalled'

/** What becomes of packets to a portal: handed to an entrance, or, when all its endpoints are elsewhere, dropped. */
export type TrafficAction = TrafficClass | 'drop'

export type FrontendKind = 'cluster IP' | 'external IP' | 'load-balancer IP' | 'node port'

/**
 * One destination that clients of a service port use: an address and port, or a port of every node address. What becomes of
 * a packet depends on where it comes from (services-and-endpoints.md, section 5).
 */
export interface Frontend {
  readonly kind: FrontendKind
  /** What it is, for messages and to tell portals apart: `cluster IP 10.96.0.10:80/TCP`, `node port 30080/TCP`. */
  readonly name: string
  readonly servicePort: ServicePort
  /** Undefined: a node port. */
  readonly address: IpAddress | undefined
  readonly port: number
  /** Processes on this node. */
  readonly fromNode: TrafficAction
  /** Pods of the cluster, as far as they can be told from others. */
  readonly fromPods: TrafficAction
  readonly fromExternal: TrafficAction
}

/** Whether only clients in the source ranges are let in. */
export function isFirewalled({ fromPods }: Frontend): boolean {
  return fromPods === 'cluster-firewalled' || fromPods === 'local-firewalled'
}

/** All portals of one service port: its cluster IP, external IPs, load-balancer IPs and node port, in this order. */
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

/** With policy Local only strangers are kept to this node's endpoints: Pods and the node are short-circuited to all. */
function buildExternalActions(served: ServedPort, cluster: TrafficClass, local: TrafficClass): TrafficActions {
  const fromExternal = served.servicePort.externalPolicyLocal ? localOrDrop(served, local) : cluster
  return { fromNode: cluster, fromPods: cluster, fromExternal }
}

/** Dropped, not refused, when endpoints are only elsewhere: a client that tries again may reach a node that has one. */
function localOrDrop({ usable }: ServedPort, trafficClass: TrafficClass): TrafficAction {
  return usable.local.length === 0 && usable.hasAny ? 'drop' : trafficClass
}
