import { NODE_IP } from '../node-network.js'
import { type Packet } from '../trace-packet.js'
import { HERE, NODE_ADDRESSES } from './compared-node.js'
import { type ComparedAddress } from './compared-service.js'

const arriving = (source: string, inInterface: string, byBridgePort = false) =>
  ({ hook: 'PREROUTING', source, inInterface, byBridgePort }) as const

/** Who asks, by where a packet enters the node and from which address. */
const ARRIVING = {
  'a Pod on the bridge': arriving('10.244.0.99', 'cni0', true),
  'a Pod with a link of its own': arriving('10.244.0.98', 'veth98'),
  'an endpoint itself': arriving(HERE[0], 'cni0', true),
  'a Pod elsewhere': arriving('10.244.1.99', 'eth0'),
  'a host outside': arriving('192.0.2.99', 'eth0'),
  'a neighbour of the node': arriving('192.168.50.7', 'eth0'),
} as const

export type ComparedClient = keyof typeof ARRIVING | 'the node'

export const COMPARED_CLIENTS: readonly ComparedClient[] = [
  ...(Object.keys(ARRIVING) as (keyof typeof ARRIVING)[]),
  'the node',
]

/** The first packet that a client sends to an address; undefined where it cannot get there. */
export function packetOf(client: ComparedClient, { kind, ip, port, protocol }: ComparedAddress): Packet | undefined {
  const to = { destination: ip, port, protocol, local: NODE_ADDRESSES }
  if (client !== 'the node') return kind === 'node port on loopback' ? undefined : { ...ARRIVING[client], ...to }
  // Who sends to an address of its own machine sends from that address.
  return { hook: 'OUTPUT', source: NODE_ADDRESSES.find(own => own === ip) ?? NODE_IP, ...to }
}
