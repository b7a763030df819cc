import { readFileSync } from 'node:fs'

const RANGE_FILE = '/proc/sys/net/ipv4/ip_local_port_range'
const COUNT_FILES = ['/proc/net/sockstat', '/proc/net/sockstat6']

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
