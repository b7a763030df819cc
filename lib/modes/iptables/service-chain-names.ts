import { hash } from 'node:crypto'
import { type Endpoint, endpointKey } from '../../model/endpoint.js'
import { type ServicePort, servicePortName } from '../../model/service-port.js'

/** The chains of one service port in table nat. */
export interface ServiceChainNames {
  /** Chooses among the endpoints for traffic that may go to any node. */
  readonly cluster: string
  /** Chooses among the endpoints on this node. */
  readonly local: string
  /** Takes the traffic to node ports, external IPs and load-balancer IPs. */
  readonly external: string
  /** Sends packets from the source ranges on to `external`. */
  readonly firewall: string
}

type Identity = Pick<ServicePort, 'namespace' | 'name' | 'portName' | 'protocol'>

/**
 * The chain names of kube-proxy (`servicePortChainName` and similar functions in pkg/proxy/iptables/proxier.go). A Service
 * has the same chains, no matter which of the two programs writes them.
 */
export function serviceChainNames(port: Identity): ServiceChainNames {
  const suffix = shortHash(servicePortName(port) + port.protocol.toLowerCase())
  return {
    cluster: `KUBE-SVC-${suffix}`,
    local: `KUBE-SVL-${suffix}`,
    external: `KUBE-EXT-${suffix}`,
    firewall: `KUBE-FW-${suffix}`,
  }
}

/** The name of the chain that translates packets to one endpoint of a service port. */
export function endpointChainName(port: Identity, endpoint: Pick<Endpoint, 'ip' | 'port'>): string {
  return `KUBE-SEP-${shortHash(servicePortName(port) + port.protocol.toLowerCase() + endpointKey(endpoint))}`
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
const HASH_LENGTH = 16

/** The first 16 characters of SHA-256 in base 32 (RFC 4648): 80 bits. */
function shortHash(text: string): string {
  // One call that returns bytes as text: with tens of thousands of names, hash objects would be too much garbage.
  const digest = hash('sha256', text, 'binary')
  let characters = ''
  let bits = 0
  let width = 0
  for (let index = 0; characters.length < HASH_LENGTH; index++) {
    bits = (bits << 8) | digest.charCodeAt(index)
    for (width += 8; width >= 5; width -= 5) characters += BASE32[(bits >> (width - 5)) & 31]
    bits &= 31
  }
  return characters
}
