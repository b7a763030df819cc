import { type IpAddress, type IpFamily } from '../../model/address.js'
import { type ObservedSet } from '../../system/ip-set-text.js'
import { type ServerAddress, serverKey } from '../../system/virtual-server.js'
import { NODE_PORT_SETS, formatEntry } from './set-entries.js'
import { type SetName, kernelSetName } from './set-names.js'

export interface ObservedKernel {
  readonly servers: readonly ServerAddress[]
  /** By their names in the kernel. */
  readonly sets: ReadonlyMap<string, ObservedSet>
  /** Those that the node has for Services alone. */
  readonly addresses: ReadonlySet<IpAddress>
}

/**
 * Which virtual servers an earlier process has left, by `serverKey`. All others are somebody else's and are never touched.
 * (kube-proxy removes whatever it did not make, unless told to leave ranges alone.)
 *
 * Our own keep a set of what they have. Where there is no such set, kube-proxy was there before: its servers are at the
 * addresses of its interface, and at the node's with a port that it holds for node ports.
 *
 * @param nodeAddresses the node's own
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
