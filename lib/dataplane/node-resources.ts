import { type TcpMemory } from './tcp/held-back-connections.js'
import { type UdpPorts } from './udp/flow-capacity.js'

/** What the processes of a data plane take from the node, and have to share. Each process limits itself to its part. */
export interface NodeResources {
  /** How many processes of this proxy share them. */
  readonly processes: number
  /** Memory of the machine, or of the container if that is less, in bytes. */
  readonly memory: number
  /** The source ports for UDP; undefined: unknown. */
  readUdpPorts(): UdpPorts | undefined
  /** The memory of the kernel's TCP; undefined: unknown. */
  readTcpMemory(): TcpMemory | undefined
}

/** A node whose limits a process only learns when the kernel refuses something. */
export const UNLIMITED_NODE: NodeResources = {
  processes: 1,
  memory: Infinity,
  readUdpPorts: () => undefined,
  readTcpMemory: () => undefined,
}
