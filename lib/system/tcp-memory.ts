import { readFileSync } from 'node:fs'

/** The files count in pages, which have this size on all machines that the proxy was tried on. A larger page only means earlier. */
const PAGE_BYTES = 4096

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
