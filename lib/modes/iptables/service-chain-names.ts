import { hash as hashedBy } from 'node:crypto'
import { type Endpoint, endpointKey } from '../../model/endpoint.js'
import { type ServicePort, servicePortName } from '../../model/service-port.js'

/** The chains of one service port in table nat. */
export interface ServiceChainNames {
  /** Chooses among the endpoints for traffic that may go to any node. */
  readonly cluster: string
  /** Chooses among those on this node. */
  readonly local: string
  /** Where node ports, external IPs and load-balancer IPs lead to. */
  readonly external: string
  /** Lets source ranges through to `external`. */
  readonly firewall: string
}

type Identity = Pick<ServicePort, 'namespace' | 'name' | 'portName' | 'protocol'>

/**
 * The names that kube-proxy gives (pkg/proxy/iptables/proxier.go, servicePortChainName and its like): the same Service has
 * the same chains, whichever of the two writes them.
 */
export function serviceChainNames(port: Identity): ServiceChainNames {
  const hash = hashOf(servicePortName(port) + port.protocol.toLowerCase())
  return {
    cluster: `KUBE-SVC-${hash}`,
    local: `KUBE-SVL-${hash}`,
    external: `KUBE-EXT-${hash}`,
    firewall: `KUBE-FW-${hash}`,
  }
}

/** The chain that leads to one endpoint of a service port. */
export function endpointChainName(port: Identity, endpoint: Pick<Endpoint, 'ip' | 'port'>): string {
  return `KUBE-SEP-${hashOf(servicePortName(port) + port.protocol.toLowerCase() + endpointKey(endpoint))}`
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
const HASH_LENGTH = 16

/** The first 16 characters of SHA-256 in base 32 (RFC 4648): 80 bits. */
function hashOf(text: string): string {
  // One call, and bytes as text: there are tens of thousands of names, and each object of a hash would be one to collect.
  const digest = hashedBy('sha256', text, 'binary')
  let hash = ''
  let bits = 0
  let width = 0
  for (let at = 0; hash.length < HASH_LENGTH; at++) {
    bits = (bits << 8) | digest.charCodeAt(at)
    for (width += 8; width >= 5; width -= 5) hash += BASE32[(bits >> (width - 5)) & 31]
    bits &= 31
  }
  return hash
}
