import { NODE_IP } from '../nodes/node-network.js'
import { type Packet } from '../kernel/trace-packet.js'
import { LOCAL_POD_IPS, NODE_ADDRESSES } from './compared-node.js'
import { type ComparedAddress } from './compared-service.js'

const forwardedFrom = (
  source: string,
  inInterface: string,
  viaBridgePort = false,
): Omit<Packet, 'destination' | 'port' | 'protocol'> =>
  ({ hook: 'PREROUTING', source, inInterface, viaBridgePort }) as const

/** The clients: where their packets enter the node, and from which address. */
const FORWARDED_CLIENTS = {
  'a Pod on the bridge': forwardedFrom('10.244.0.99', 'cni0', true),
  'a Pod with its own link': forwardedFrom('10.244.0.98', 'veth98'),
  'an endpoint': forwardedFrom(LOCAL_POD_IPS[0], 'cni0', true),
  'a Pod of another node': forwardedFrom('10.244.1.99', 'eth0'),
  'an external host': forwardedFrom('192.0.2.99', 'eth0'),
  'a host on the network of the node': forwardedFrom('192.168.50.7', 'eth0'),
} as const

export type ComparedClient = keyof typeof FORWARDED_CLIENTS | 'the node'

export const COMPARED_CLIENTS: readonly ComparedClient[] = [
  ...(Object.keys(FORWARDED_CLIENTS) as (keyof typeof FORWARDED_CLIENTS)[]),
  'the node',
]

/** The first packet of a client to an address; undefined if the client cannot reach it. */
export function firstPacket(client: ComparedClient, { kind, ip, port, protocol }: ComparedAddress): Packet | undefined {
  const to = { destination: ip, port, protocol, localAddresses: NODE_ADDRESSES }
  if (client !== 'the node')
    return kind === 'node port on loopback' ? undefined : { ...FORWARDED_CLIENTS[client], ...to }
  // A process that sends to an address of its own machine sends from that address.
  return { hook: 'OUTPUT', source: NODE_ADDRESSES.find(own => own === ip) ?? NODE_IP, ...to }
}
