import { readMemoryLimit } from './memory-limit.js'
import { readTcpMemory } from './tcp-memory.js'
import { readUdpPorts } from './udp-ports.js'

/**
 * What this node has for a data plane.
 * @param processes how many processes share it
 */
export function nodeResources(processes: number): {
  readonly processes: number
  readonly memory: number
  readonly readTcpMemory: typeof readTcpMemory
  readonly readUdpPorts: typeof readUdpPorts
} {
  return { processes, memory: readMemoryLimit(), readTcpMemory, readUdpPorts }
}
