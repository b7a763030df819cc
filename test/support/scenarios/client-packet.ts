import { isLoopback } from '../../../lib/dataplane/limits/client-filter.js'
import { type IpAddress, familyOf } from '../../../lib/model/address.js'
import { type Client } from './scenario-packets.js'
import { type Packet } from '../kernel/trace-packet.js'

const POD_CLIENT = { IPv4: '10.244.0.99', IPv6: 'fd00:244::99' }
const OUTSIDE_CLIENT = { IPv4: '192.0.2.99', IPv6: '2001:db8::99' }
const LOOPBACK = { IPv4: '127.0.0.1', IPv6: '::1' }

/**
 * The start of a client's packet: where it enters the kernel, from which source address, by which interface.
 *
 * @param addresses of the node, the main one of each family first
 */
export function clientPacket(
  client: Client,
  destination: IpAddress,
  addresses: readonly IpAddress[],
): Pick<Packet, 'hook' | 'inInterface'> & Required<Pick<Packet, 'source' | 'localAddresses'>> {
  const family = familyOf(destination)
  const local = [...addresses, ...Object.values(LOOPBACK)]
  switch (client) {
    case 'pod':
      return { hook: 'PREROUTING', source: POD_CLIENT[family], inInterface: 'cni0', localAddresses: local }
    case 'outside':
      return { hook: 'PREROUTING', source: OUTSIDE_CLIENT[family], inInterface: 'eth0', localAddresses: local }
    case 'node': {
      // A process that sends to an address of its own machine sends from that address.
      const source = local.find(ip => ip === destination) ?? addresses.find(ip => familyOf(ip) === family)
      return { hook: 'OUTPUT', source: source ?? LOOPBACK[family], localAddresses: local }
    }
    default:
      if (local.includes(client) || isLoopback(client)) return { hook: 'OUTPUT', source: client, localAddresses: local }
      return { hook: 'PREROUTING', source: client, inInterface: 'eth0', localAddresses: local }
  }
}
