import { readFileSync } from 'node:fs'
import { totalmem } from 'node:os'

/** The kernel counts memory of TCP in pages, which have this size on all machines that the proxy was tried on. A larger page only means earlier. */
const PAGE_BYTES = 4096

const RANGE_FILE = '/proc/sys/net/ipv4/ip_local_port_range'
const COUNT_FILES = ['/proc/net/sockstat', '/proc/net/sockstat6']

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

/** Bytes of memory that this process may use: those of the machine, or of its container (cgroup) if they are fewer. */
export function readMemoryLimit(): number {
  const total = totalmem()
  const constrained = process.constrainedMemory()
  // Zero or a huge number: no limit is known.
  return constrained !== undefined && constrained > 0 ? Math.min(total, constrained) : total
}

/** Memory of the kernel's TCP, in all network namespaces, and from where on it is short of it. Undefined if the kernel does not say. */
export function readTcpMemory(): { readonly used: number; readonly pressure: number } | undefined {
  try {
    const used = Number(/^TCP: .* mem (\d+)/m.exec(readFileSync('/proc/net/sockstat', 'utf8'))?.[1])
    const pressure = Number(readFileSync('/proc/sys/net/ipv4/tcp_mem', 'utf8').trim().split(/\s+/)[1])
    return Number.isFinite(used) && pressure > 0
      ? { used: used * PAGE_BYTES, pressure: pressure * PAGE_BYTES }
      : undefined
  } catch {
    return undefined
  }
}

/**
 * The source ports for UDP of this process's network namespace: how many the kernel may give out to each IP family (the setting is for
 * both), and how many UDP sockets the family with the most has. The kernel does not say which of them have a port of that range.
 * Undefined if it says nothing.
 */
export function readUdpPorts(): { readonly total: number; readonly inUse: number } | undefined {
  try {
    const [first, last] = readFileSync(RANGE_FILE, 'utf8').trim().split(/\s+/).map(Number)
    const total = last! - first! + 1
    const inUse = Math.max(...COUNT_FILES.map(countSockets))
    return Number.isFinite(total) && total > 0 ? { total, inUse } : undefined
  } catch {
    return undefined
  }
}

/** A kernel without IPv6 has no file for it. */
function countSockets(file: string): number {
  try {
    return Number(/^UDP6?: inuse (\d+)/m.exec(readFileSync(file, 'utf8'))?.[1] ?? 0)
  } catch {
    return 0
  }
}
