import { type IpAddress, type IpFamily } from '../../model/address.js'
import { type FoundSet } from '../../system/ip-set-text.js'
import { type ServerAddress, serverKey } from '../../system/virtual-server.js'
import { NODE_PORT_SETS, entryOf } from './set-entries.js'
import { type SetName, kernelSetName } from './set-names.js'

export interface FoundKernel {
  readonly servers: readonly ServerAddress[]
  /** By their names in the kernel. */
  readonly sets: ReadonlyMap<string, FoundSet>
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
export function ourServers(
  { servers, sets, addresses }: FoundKernel,
  family: IpFamily,
  nodeAddresses: readonly IpAddress[],
): Set<string> {
  const has = (set: SetName, entry: string): boolean =>
    sets.get(kernelSetName(set, family))?.entries.has(entry) === true
  const isBooked = ({ protocol, address, port }: ServerAddress): boolean =>
    has('KUBE-IPVS-SERVERS', entryOf(address, protocol, port))
  const isOfKubeProxy = ({ protocol, address, port }: ServerAddress): boolean => {
    if (addresses.has(address)) return true
    const entry = protocol === 'SCTP' ? entryOf(address, protocol, port) : String(port)
    return nodeAddresses.includes(address) && has(NODE_PORT_SETS[protocol].all, entry)
  }
  const isOurs = sets.has(kernelSetName('KUBE-IPVS-SERVERS', family)) ? isBooked : isOfKubeProxy
  return new Set(servers.filter(isOurs).map(serverKey))
}
