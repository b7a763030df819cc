import { type IpAddress, type IpFamily, familyOf } from '../model/address.js'
import { type ServiceObject } from '../model/objects.js'

/**
 * What of a Service can never be served because it has no cluster IP of that family, a sentence for each; and families for
 * which its source ranges leave nobody. The API server checks neither (services-and-endpoints.md, sections 3 and 7).
 */
export function wrongFamilyAddresses({
  clusterIPs,
  externalIPs,
  loadBalancerIPs,
  sourceRanges = [],
}: Pick<ServiceObject, 'clusterIPs' | 'externalIPs' | 'loadBalancerIPs' | 'sourceRanges'>): string[] {
  const families = new Set(clusterIPs.map(familyOf))
  // Headless, or waiting for its address: nothing of it is served anyway.
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
      family => `spec.loadBalancerSourceRanges: none is ${family}: nobody is let in to the ${family} addresses`,
    ),
  ]
}

function hasAddress(family: IpFamily, ips: readonly IpAddress[]): boolean {
  return ips.some(ip => familyOf(ip) === family)
}
