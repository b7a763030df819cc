import { type IpAddress, hostPort } from '../../model/address.js'
import { type ServicePort } from '../../model/service-port.js'
import { type Frontend, type FrontendKind } from '../../frontends/frontend.js'

/** One address and port that clients of a service port use. A node port has one for each address of the node. */
export interface VirtualAddress {
  /** For messages: `cluster IP 10.96.0.10:80/TCP`. */
  readonly name: string
  readonly kind: FrontendKind
  readonly servicePort: ServicePort
  readonly address: IpAddress
  readonly port: number
}

/** The virtual addresses of a frontend. */
export function virtualAddressesOf(
  { kind, servicePort, address, port }: Frontend,
  nodePortAddresses: readonly IpAddress[],
): readonly VirtualAddress[] {
  const addresses = address === undefined ? nodePortAddresses : [address]
  return addresses.map(ip => ({
    name: `${kind} ${hostPort(ip, port)}/${servicePort.protocol}`,
    kind,
    servicePort,
    address: ip,
    port,
  }))
}

/** Whether its traffic policy is Local. */
export function isPolicyLocal({ kind, servicePort }: VirtualAddress): boolean {
  return kind === 'cluster IP' ? servicePort.internalPolicyLocal : servicePort.externalPolicyLocal
}
