import { type IpAddress } from '../model/address.js'
import { type ServicePort } from '../model/service-port.js'
import { type ServedPort } from '../model/snapshot.js'

/**
 * The set of endpoints, and of clients, that some address of a Service calls for.
 *
 *     cluster          all endpoints, all clients: the ClusterIP, and the outside with policy Cluster
 *     local            endpoints on this node: internal or external policy Local
 *     ranged           as cluster, for clients in the source ranges only: load-balancer IPs with such ranges, and the
 *                      node port where the operator wants that
 *     ranged-local     as local, the same
 */
export type Entrance = 'cluster' | 'local' | 'ranged' | 'ranged-local'

/** What becomes of packets to a portal: handed to an entrance, or, when all its endpoints are elsewhere, dropped. */
export type PortalAction = Entrance | 'drop'

export type PortalKind = 'cluster IP' | 'external IP' | 'load-balancer IP' | 'node port'

/**
 * One destination that clients of a service port use: an address and port, or a port of every node address. What becomes of
 * a packet depends on where it comes from (services-and-endpoints.md, section 5).
 */
export interface Portal {
  readonly kind: PortalKind
  /** What it is, for messages and to tell portals apart: `cluster IP 10.96.0.10:80/TCP`, `node port 30080/TCP`. */
  readonly name: string
  readonly servicePort: ServicePort
  /** Undefined: a node port. */
  readonly address: IpAddress | undefined
  readonly port: number
  /** Processes on this node. */
  readonly fromNode: PortalAction
  /** Pods of the cluster, as far as they can be told from others. */
  readonly fromPods: PortalAction
  readonly fromElsewhere: PortalAction
}

/** Whether only clients in the source ranges are let in. */
export function isRanged({ fromPods }: Portal): boolean {
  return fromPods === 'ranged' || fromPods === 'ranged-local'
}

/** All portals of one service port: its cluster IP, external IPs, load-balancer IPs and node port, in this order. */
export function portalsOf(served: ServedPort): Portal[] {
  const { servicePort } = served
  const inside = servicePort.internalPolicyLocal ? localOr(served, 'local') : 'cluster'
  const outside = outsideActions(served, 'cluster', 'local')
  const ranged = outsideActions(served, 'ranged', 'ranged-local')
  const balanced = servicePort.sourceRanges === undefined ? outside : ranged
  const atNode = servicePort.rangesAtNodePort ? ranged : outside
  const at = (kind: PortalKind, address: IpAddress | undefined, port: number, actions: Actions): Portal => ({
    kind,
    name: `${kind} ${address === undefined ? '' : `${address}:`}${port}/${servicePort.protocol}`,
    servicePort,
    address,
    port,
    ...actions,
  })
  return [
    at('cluster IP', servicePort.clusterIP, servicePort.port, {
      fromNode: inside,
      fromPods: inside,
      fromElsewhere: inside,
    }),
    ...servicePort.externalIPs.map(ip => at('external IP', ip, servicePort.port, outside)),
    ...servicePort.loadBalancerIPs.map(ip => at('load-balancer IP', ip, servicePort.port, balanced)),
    ...(servicePort.nodePort === 0 ? [] : [at('node port', undefined, servicePort.nodePort, atNode)]),
  ]
}

type Actions = Pick<Portal, 'fromNode' | 'fromPods' | 'fromElsewhere'>

/** With policy Local only strangers are kept to this node's endpoints: Pods and the node are short-circuited to all. */
function outsideActions(served: ServedPort, cluster: Entrance, local: Entrance): Actions {
  const fromElsewhere = served.servicePort.externalPolicyLocal ? localOr(served, local) : cluster
  return { fromNode: cluster, fromPods: cluster, fromElsewhere }
}

/** Dropped, not refused, when endpoints are only elsewhere: a client that tries again may reach a node that has one. */
function localOr({ usable }: ServedPort, entrance: Entrance): PortalAction {
  return usable.local.length === 0 && usable.hasAny ? 'drop' : entrance
}
