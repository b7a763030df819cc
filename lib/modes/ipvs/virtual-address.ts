import { type IpAddress, hostPort } from '../../model/address.js'
import { type ServicePort } from '../../model/service-port.js'
import { type PortalKind } from '../portals.js'

/** One address and port that clients of a service port use. For a node port there is one for each of the node's addresses. */
export interface VirtualAddress {
  /** For messages: `cluster IP 10.96.0.10:80/TCP`. */
  readonly name: string
  readonly kind: PortalKind
  readonly servicePort: ServicePort
  readonly address: IpAddress
  readonly port: number
}

/** All of one service port: its cluster IP, external IPs, load-balancer IPs and node ports, in this order. */
export function virtualAddressesOf(
  servicePort: ServicePort,
  nodePortAddresses: readonly IpAddress[],
): readonly VirtualAddress[] {
  const { clusterIP, externalIPs, loadBalancerIPs, nodePort, port } = servicePort
  const at = (kind: PortalKind, address: IpAddress, ofPort = port): VirtualAddress => ({
    name: `${kind} ${hostPort(address, ofPort)}/${servicePort.protocol}`,
    kind,
    servicePort,
    address,
    port: ofPort,
  })
  return [
    at('cluster IP', clusterIP),
    ...externalIPs.map(ip => at('external IP', ip)),
    ...loadBalancerIPs.map(ip => at('load-balancer IP', ip)),
    ...(nodePort === 0 ? [] : nodePortAddresses.map(ip => at('node port', ip, nodePort))),
  ]
}

/** Whether only endpoints of this node may serve it. */
export function isPolicyLocal({ kind, servicePort }: VirtualAddress): boolean {
  return kind === 'cluster IP' ? servicePort.internalPolicyLocal : servicePort.externalPolicyLocal
}
