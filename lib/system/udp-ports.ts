import { readFileSync } from 'node:fs'

const RANGE_FILE = '/proc/sys/net/ipv4/ip_local_port_range'
const COUNT_FILES = ['/proc/net/sockstat', '/proc/net/sockstat6']

/**
 * The source ports for UDP of this process's network namespace: how many the kernel may give out (the setting is for both IP
 * families), and how many UDP sockets there are. Undefined if the kernel does not say.
 */
export function readUdpPorts(): { readonly total: number; readonly inUse: number } | undefined {
  try {
    const [first, last] = readFileSync(RANGE_FILE, 'utf8').trim().split(/\s+/).map(Number)
    const total = last! - first! + 1
    const inUse = COUNT_FILES.reduce((sum, file) => sum + countSockets(file), 0)
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
