import { type IpAddress } from '../../model/address.js'
import { type ServedPort } from '../../model/snapshot.js'

/** The addresses of this node that are endpoints, in order. */
export function hostEndpoints(ports: readonly ServedPort[], nodeAddresses: readonly IpAddress[]): readonly IpAddress[] {
  const own = new Set(nodeAddresses)
  const found = new Set<IpAddress>()
  for (const { endpoints } of ports) for (const { ip } of endpoints) if (own.has(ip)) found.add(ip)
  return [...found].sort()
}
