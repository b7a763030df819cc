import { type IpAddress, type IpFamily, unspecifiedAddress } from '../../model/address.js'
import { type ServicePort, servicePortName } from '../../model/service-port.js'
import { PORTALS_CONTAINER, PORTALS_HOST } from '../../rules/chain-names.js'
import { type FoundRules, wordAfter } from '../../rules/found-rules.js'
import { type Link, type Rule, type RuleSet, type RuleTarget } from '../../rules/rule-set.js'

/** A service port and the listener that its traffic is led to. */
export interface Portal {
  readonly servicePort: ServicePort
  /** Address the listener is bound to. */
  readonly address: IpAddress
  readonly proxyPort: number
}

/** Comment of the links, as the original writes it. */
const LINK_COMMENT = 'handle ClusterIPs; NOTE: this must be before the NodePort rules'

/**
 * The rules of userspace mode for one family: packets to a ClusterIP and port are turned to the listener.
 *
 *     PREROUTING ─▶ KUBE-PORTALS-CONTAINER     packets that come in: from Pods, from other hosts
 *     OUTPUT ─────▶ KUBE-PORTALS-HOST          packets that start on the node itself
 *
 * In the order of `portals`: give them sorted, so that equal sets make equal text.
 */
export function portalRules(family: IpFamily, portals: readonly Portal[]): RuleSet {
  const rules = portals.map(portalRule)
  const chains = new Map<string, readonly Rule[]>([
    [PORTALS_CONTAINER, rules],
    [PORTALS_HOST, rules],
  ])
  const links: Link[] = [
    { chain: 'PREROUTING', rule: { comment: LINK_COMMENT, target: { kind: 'jump', chain: PORTALS_CONTAINER } } },
    { chain: 'OUTPUT', rule: { comment: LINK_COMMENT, target: { kind: 'jump', chain: PORTALS_HOST } } },
  ]
  return { family, tables: new Map([['nat', { chains, links }]]) }
}

function portalRule({ servicePort, address, proxyPort }: Portal): Rule {
  return {
    comment: servicePortName(servicePort),
    destination: servicePort.clusterIP,
    protocol: servicePort.protocol === 'UDP' ? 'UDP' : 'TCP',
    destinationPort: servicePort.port,
    target: portalTarget(servicePort.family, address, proxyPort),
  }
}

/**
 * DNAT to the node's address, or REDIRECT where the node has none to lead to (docs/decisions/0001).
 *
 * REDIRECT turns a packet to whatever the first address of the interface is that it came in by: none, behind a Pod
 * interface without address, and 127.0.0.1 for the node's own packets; the answer of a UDP listener then leaves from an
 * address that conntrack does not expect, and the client drops it. DNAT to one address, on which the listener is bound,
 * has none of that.
 */
function portalTarget(family: IpFamily, address: IpAddress, port: number): RuleTarget {
  return address === unspecifiedAddress(family) ? { kind: 'REDIRECT', port } : { kind: 'DNAT', address, port }
}

/**
 * The proxy ports that rules in the kernel lead to, by `clusterIP port protocol`: what an earlier process held. To listen
 * there again keeps those rules, and the conntrack entries of UDP clients, true across a restart.
 */
export function proxyPortsOf(found: FoundRules): Map<string, number> {
  const ports = new Map<string, number>()
  for (const words of found.get('nat')?.get(PORTALS_CONTAINER) ?? []) {
    const destination = wordAfter(words, '-d')?.split('/')[0]
    const to = wordAfter(words, '--to-destination')?.split(':').at(-1) ?? wordAfter(words, '--to-ports')
    const port = Number(to)
    if (destination === undefined || !Number.isInteger(port) || port < 1) continue
    ports.set(portalName(destination, Number(wordAfter(words, '--dport')), wordAfter(words, '-p') ?? ''), port)
  }
  return ports
}

/** The key of `proxyPortsOf`. */
export function portalName(clusterIP: IpAddress, port: number, protocol: string): string {
  return `${clusterIP} ${port} ${protocol.toUpperCase()}`
}
