import { type IpAddress } from './address.js'
import { cidrContains, parseCidr } from './cidr.js'

const SPECIAL = [
  ['0.0.0.0/8', 'unspecified'],
  ['127.0.0.0/8', 'loopback'],
  ['169.254.0.0/16', 'link-local'],
  ['224.0.0.0/4', 'multicast'],
  ['255.255.255.255/32', 'broadcast'],
  ['::/128', 'unspecified'],
  ['::1/128', 'loopback'],
  ['fe80::/10', 'link-local'],
  ['ff00::/8', 'multicast'],
].map(([range, kind]) => ({ range: parseCidr(range!)!, kind: kind! }))

/**
 * Names what makes an address unfit to be an endpoint, or undefined for an ordinary address.
 *
 * An endpoint that points at loopback or link-local would let whoever writes EndpointSlices reach the node itself or
 * its cloud metadata service through our process; the API server refuses the same ranges (Kubernetes ValidateNonSpecialIP).
 */
export function specialAddress(ip: IpAddress): string | undefined {
  return SPECIAL.find(({ range }) => cidrContains(range, ip))?.kind
}
