/** Where a server listens, in the form of Node's `listen`. */
export interface ListenAddress {
  readonly port: number
  /** Undefined: all addresses of both families. */
  readonly host?: string
}

/** Reads `IP:PORT`. As in Go, the unspecified address of either family means all addresses of both families. */
export function parseListenAddress(address: string): ListenAddress {
  const colon = address.lastIndexOf(':')
  const host = address.slice(0, Math.max(colon, 0)).replace(/^\[(.*)\]$/, '$1')
  const port = Number(address.slice(colon + 1))
  return host === '' || host === '0.0.0.0' || host === '::' ? { port } : { port, host }
}

/** Whether the kernel refuses to bind one address while a socket listens on the other one. Empty: no server, so never. */
export function listenAddressesOverlap(one: string, other: string): boolean {
  if (one === '' || other === '') return false
  const [a, b] = [parseListenAddress(one), parseListenAddress(other)]
  return a.port === b.port && (a.host === undefined || b.host === undefined || a.host === b.host)
}
