import { readFileSync } from 'node:fs'
import { totalmem } from 'node:os'

/** The kernel counts memory of TCP in pages, which have this size on all machines that the proxy was tried on. A larger page only means earlier. */
const PAGE_BYTES = 4096

const RANGE_FILE = '/proc/sys/net/ipv4/ip_local_port_range'
const COUNT_FILES = ['/proc/net/sockstat', '/proc/net/sockstat6'] as const

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
    return parseTcpMemory(readFileSync(COUNT_FILES[0], 'utf8'), readFileSync('/proc/sys/net/ipv4/tcp_mem', 'utf8'))
  } catch {
    return undefined
  }
}

/** Reads /proc/net/sockstat and tcp_mem, both in pages. */
export function parseTcpMemory(counts: string, limits: string): ReturnType<typeof readTcpMemory> {
  const used = Number(/^TCP: .* mem (\d+)/m.exec(counts)?.[1])
  const pressure = Number(/^\s*\d+\s+(\d+)/.exec(limits)?.[1])
  return used >= 0 && pressure > 0 ? { used: used * PAGE_BYTES, pressure: pressure * PAGE_BYTES } : undefined
}

/**
 * The source ports for UDP of this process's network namespace: how many the kernel may give out to each IP family (the setting is for
 * both), and how many UDP sockets the family with the most has. The kernel does not say which of them have a port of that range.
 * Undefined if it says nothing.
 */
export function readUdpPorts(): { readonly total: number; readonly inUse: number } | undefined {
  try {
    return parseUdpPorts(readFileSync(RANGE_FILE, 'utf8'), COUNT_FILES.map(readCounts))
  } catch {
    return undefined
  }
}

/** Reads ip_local_port_range, and the counts of sockets of each IP family. */
export function parseUdpPorts(range: string, counts: readonly string[]): ReturnType<typeof readUdpPorts> {
  const [, first, last] = /^\s*(\d+)\s+(\d+)/.exec(range) ?? []
  const total = Number(last) - Number(first) + 1
  const inUse = Math.max(...counts.map(text => Number(/^UDP6?: inuse (\d+)/m.exec(text)?.[1] ?? 0)))
  return total > 0 ? { total, inUse } : undefined
}

/** A kernel without IPv6 has no file for it. */
function readCounts(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
