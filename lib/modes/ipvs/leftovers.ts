import { IP_FAMILIES, type IpAddress, familyOf } from '../../model/address.js'
import { type Cidr, cidrContains } from '../../model/cidr.js'
import { type ObservedServer } from '../../system/ipvs-text.js'
import { serverKey } from '../../system/virtual-server.js'
import { type ObservedKernel, ownedServers } from './owned-servers.js'

/**
 * The virtual servers that ipvs mode left behind, of this program or of kube-proxy, in both families. Servers of other
 * programs are not among them.
 *
 * @param excludeCIDRs virtual servers at these addresses are left alone too
 * @param nodeAddresses the node's own addresses, of both families
 */
export function serverLeftovers(
  observed: Omit<ObservedKernel, 'servers'> & { readonly servers: readonly ObservedServer[] },
  excludeCIDRs: readonly Cidr[],
  nodeAddresses: readonly IpAddress[],
): ObservedServer[] {
  return IP_FAMILIES.flatMap(family => {
    const servers = observed.servers.filter(({ address }) => familyOf(address) === family)
    const ownedKeys = ownedServers({ ...observed, servers }, family, nodeAddresses)
    return servers.filter(
      server => ownedKeys.has(serverKey(server)) && !excludeCIDRs.some(range => cidrContains(range, server.address)),
    )
  })
}
