import { isLoopback } from '../../lib/dataplane/client-filter.js'
import { type IpAddress, familyOf } from '../../lib/model/address.js'
import { type Client } from './scenario-packets.js'
import { type Packet } from './trace-packet.js'

const POD = { IPv4: '10.244.0.99', IPv6: 'fd00:244::99' }
const STRANGER = { IPv4: '192.0.2.99', IPv6: '2001:db8::99' }
const LOOPBACK = { IPv4: '127.0.0.1', IPv6: '::1' }

/**
 * How a packet of a client sets out: where it enters the kernel, with which source, by which interface.
 *
 * @param addresses those of the node, the main one of each family first
 */
export function packetFrom(
  client: Client,
  destination: IpAddress,
  addresses: readonly IpAddress[],
): Pick<Packet, 'hook' | 'inInterface'> & Required<Pick<Packet, 'source' | 'local'>> {
  const family = familyOf(destination)
  const local = [...addresses, ...Object.values(LOOPBACK)]
  switch (client) {
    case 'pod':
      return { hook: 'PREROUTING', source: POD[family], inInterface: 'cni0', local }
    case 'outside':
      return { hook: 'PREROUTING', source: STRANGER[family], inInterface: 'eth0', local }
    case 'node': {
      // Who sends to an address of its own machine sends from that address.
      const source = local.find(ip => ip === destination) ?? addresses.find(ip => familyOf(ip) === family)
      return { hook: 'OUTPUT', source: source ?? LOOPBACK[family], local }
    }
    default:
      if (local.includes(client) || isLoopback(client)) return { hook: 'OUTPUT', source: client, local }
      return { hook: 'PREROUTING', source: client, inInterface: 'eth0', local }
  }
}
