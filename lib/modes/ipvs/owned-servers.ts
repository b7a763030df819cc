import { type IpAddress, type IpFamily } from '../../model/address.js'
import { type ObservedSet } from '../../system/ip-set-text.js'
import { type ServerAddress, serverKey } from '../../system/virtual-server.js'
import { NODE_PORT_SETS, formatEntry } from './set-entries.js'
import { type SetName, kernelSetName } from './set-names.js'

/** The kernel's state that shows which virtual servers belong to this program. */
export interface ObservedKernel {
  readonly servers: readonly ServerAddress[]
  /** By their names in the kernel. */
  readonly sets: ReadonlyMap<string, ObservedSet>
  /** The addresses of the node's dummy interface. */
  readonly addresses: ReadonlySet<IpAddress>
}

/**
 * The virtual servers that an earlier process left behind, by `serverKey`. All other servers belong to other programs and are
 * never changed. (kube-proxy removes every server that it did not create, except in excluded ranges.)
 *
 * This program records its servers in a set. Without that set, kube-proxy ran before: its servers are at the addresses of its
 * dummy interface, and at the node's addresses with a port in its sets of node ports.
 *
 * @param nodeAddresses the node's own addresses
 */
export function ownedServers(
  { servers, sets, addresses }: ObservedKernel,
  family: IpFamily,
  nodeAddresses: readonly IpAddress[],
): Set<string> {
  const contains = (set: SetName, entry: string): boolean =>
    sets.get(kernelSetName(set, family))?.entries.has(entry) === true
  const isRecorded = ({ protocol, address, port }: ServerAddress): boolean =>
    contains('KUBE-IPVS-SERVERS', formatEntry(address, protocol, port))
  const isKubeProxyServer = ({ protocol, address, port }: ServerAddress): boolean => {
    if (addresses.has(address)) return true
    const entry = protocol === 'SCTP' ? formatEntry(address, protocol, port) : String(port)
    return nodeAddresses.includes(address) && contains(NODE_PORT_SETS[protocol].all, entry)
  }
  const isOwned = sets.has(kernelSetName('KUBE-IPVS-SERVERS', family)) ? isRecorded : isKubeProxyServer
  return new Set(servers.filter(isOwned).map(serverKey))
}
