import { type IpAddress, type IpFamily, familyOf } from '../model/address.js'
import { type ServiceObject } from '../model/objects.js'

/**
 * A sentence for each address that can never be served, because the Service has no cluster IP of its family; and for each
 * family whose clients no source range admits. The API server checks neither.
 */
export function wrongFamilyAddresses({
  clusterIPs,
  externalIPs,
  loadBalancerIPs,
  sourceRanges = [],
}: Pick<ServiceObject, 'clusterIPs' | 'externalIPs' | 'loadBalancerIPs' | 'sourceRanges'>): string[] {
  const families = new Set(clusterIPs.map(familyOf))
  // Headless, or still without address: not served anyway.
  if (families.size === 0) return []
  const sentences = (path: string, ips: readonly IpAddress[]): string[] =>
    ips
      .filter(ip => !families.has(familyOf(ip)))
      .map(ip => `${path}: "${ip}" is ${familyOf(ip)}, and the Service has no cluster IP of that family: ignored`)
  const blockedFamilies = [...families].filter(
    family => hasAddress(family, loadBalancerIPs) && !sourceRanges.some(range => range.family === family),
  )
  return [
    ...sentences('spec.externalIPs', externalIPs),
    ...sentences('status.loadBalancer.ingress', loadBalancerIPs),
    ...(sourceRanges.length === 0 ? [] : blockedFamilies).map(
      family => `spec.loadBalancerSourceRanges: no range is ${family}: no client may reach the ${family} addresses`,
    ),
  ]
}

function hasAddress(family: IpFamily, ips: readonly IpAddress[]): boolean {
  return ips.some(ip => familyOf(ip) === family)
}
