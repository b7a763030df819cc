/** The address of the view that follows a packet. @param from and `to` as the words FROM and TO of `kube-proxy explain` */
export function packetPath(from: string, to: string): string {
  return `/packet/${encodeURIComponent(from)}/${encodeURIComponent(to)}`
}

/** What stands in a part of such an address. A part that is not encoded right is taken as it is. */
export function readPart(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** TO of a service port. Its number or name may be left out if it is the only one. */
export function serviceDestination(
  { namespace, name, protocol }: { readonly namespace: string; readonly name: string; readonly protocol: string },
  port: string,
): string {
  return `${namespace}/${name}${port === '' ? '' : `:${port}`}${suffixOf(protocol)}`
}

/** TO of an address. */
export function addressDestination(address: string, port: number, protocol: string): string {
  return `${address.includes(':') ? `[${address}]` : address}:${port}${suffixOf(protocol)}`
}

function suffixOf(protocol: string): string {
  return protocol === 'TCP' ? '' : `/${protocol.toLowerCase()}`
}
