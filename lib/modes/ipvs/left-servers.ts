import { type IpAddress, familyOf } from '../../model/address.js'
import { type Cidr, cidrContains } from '../../model/cidr.js'
import { type FoundServer } from '../../system/ipvs-text.js'
import { serverKey } from '../../system/virtual-server.js'
import { type FoundKernel, ourServers } from './our-servers.js'

/**
 * The virtual servers that ipvs mode has left, ours or kube-proxy's, of both families. All others stay.
 *
 * @param excludeCIDRs virtual servers at these addresses stay too
 * @param nodeAddresses the node's own, of both families
 */
export function leftServers(
  found: Omit<FoundKernel, 'servers'> & { readonly servers: readonly FoundServer[] },
  excludeCIDRs: readonly Cidr[],
  nodeAddresses: readonly IpAddress[],
): FoundServer[] {
  return (['IPv4', 'IPv6'] as const).flatMap(family => {
    const servers = found.servers.filter(({ address }) => familyOf(address) === family)
    const ours = ourServers({ ...found, servers }, family, nodeAddresses)
    return servers.filter(
      server => ours.has(serverKey(server)) && !excludeCIDRs.some(range => cidrContains(range, server.address)),
    )
  })
}
