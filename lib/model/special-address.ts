import { type IpAddress, ipBytes } from './address.js'
import { isInNetwork, parseCidr } from './cidr.js'

const SPECIAL_RANGES = [
  ['0.0.0.0/8', 'unspecified'],
  ['127.0.0.0/8', 'loopback'],
  ['169.254.0.0/16', 'link-local'],
  ['224.0.0.0/4', 'multicast'],
  ['255.255.255.255/32', 'broadcast'],
  ['::/128', 'unspecified'],
  ['::1/128', 'loopback'],
  ['fe80::/10', 'link-local'],
  ['ff00::/8', 'multicast'],
].map(([range, kind]) => {
  const { network, bits } = parseCidr(range!)!
  return { network: ipBytes(network)!, bits, kind: kind! }
})

/**
 * The kind of a special address, which may not be an endpoint; undefined for an ordinary address.
 *
 * With a loopback or link-local endpoint, any author of EndpointSlices could reach the node itself or its cloud metadata
 * service through this proxy. The API server refuses the same ranges (Kubernetes ValidateNonSpecialIP).
 */
export function specialAddress(ip: IpAddress): string | undefined {
  const bytes = ipBytes(ip)
  if (bytes === undefined) return undefined
  return SPECIAL_RANGES.find(({ network, bits }) => isInNetwork(bytes, network, bits))?.kind
}
