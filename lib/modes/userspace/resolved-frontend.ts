import { type IpAddress, type IpFamily, unspecifiedAddress } from '../../model/address.js'
import { servicePortName } from '../../model/service-port.js'
import { type Rule, type RuleTarget } from '../../netfilter/rule-set.js'
import { type Frontend } from '../../frontends/frontend.js'
import { type LocalMatch } from '../../frontends/local-traffic.js'

/** Where packets go: to a listener, or nowhere. */
export type FrontendTarget = { readonly address: IpAddress; readonly port: number } | 'drop'

/** A frontend with the listeners that serve it, by the source of a packet. */
export interface ResolvedFrontend {
  readonly frontend: Frontend
  readonly fromNode: FrontendTarget
  readonly fromPods: FrontendTarget
  readonly fromExternal: FrontendTarget
}

/** Whether all packets go to the same listener, whatever their source: both hooks can then share the rules. */
export function isUniform({ fromNode, fromPods, fromExternal }: ResolvedFrontend): boolean {
  return isSameTarget(fromNode, fromPods) && isSameTarget(fromPods, fromExternal)
}

/** Whether packets from any source are dropped. */
export function isDropped({ fromNode, fromPods, fromExternal }: ResolvedFrontend): boolean {
  return fromNode === 'drop' || fromPods === 'drop' || fromExternal === 'drop'
}

/** The protocol of a service port in rules. */
export function protocolOf({ protocol }: Frontend['servicePort']): 'TCP' | 'UDP' {
  return protocol === 'UDP' ? 'UDP' : 'TCP'
}

/** Rules for packets that come in: first those of Pods, if they have another target, then all others. */
export function arrivingRules(resolved: ResolvedFrontend, localMatches: readonly LocalMatch[]): Rule[] {
  const localRules = isSameTarget(resolved.fromPods, resolved.fromExternal)
    ? []
    : localMatches.flatMap(match => targetRules(resolved.frontend, resolved.fromPods, match))
  return [...localRules, ...targetRules(resolved.frontend, resolved.fromExternal)]
}

/** Rules for packets that the node itself sends. */
export function leavingRules(resolved: ResolvedFrontend): Rule[] {
  return targetRules(resolved.frontend, resolved.fromNode)
}

/** Packets to drop are not translated: the filter table must see them with their original destination. */
function targetRules(frontend: Frontend, target: FrontendTarget, match?: LocalMatch): Rule[] {
  if (target === 'drop') return []
  return [
    {
      ...frontendMatch(frontend),
      ...match,
      target: ruleTarget(frontend.servicePort.family, target.address, target.port),
    },
  ]
}

/** A node port drops packets to the node's own addresses only. Forwarded packets to a port of that number go on. */
export function droppedRules({ frontend }: ResolvedFrontend): Rule[] {
  return [
    {
      ...frontendMatch(frontend),
      ...(frontend.address === undefined && { toThisNode: true }),
      target: { kind: 'DROP' },
    },
  ]
}

function frontendMatch({ servicePort, address, port }: Frontend): Omit<Rule, 'target'> {
  return {
    comment: servicePortName(servicePort),
    ...(address === undefined ? {} : { destination: address }),
    protocol: protocolOf(servicePort),
    destinationPort: port,
  }
}

function isSameTarget(a: FrontendTarget, b: FrontendTarget): boolean {
  return a === b || (a !== 'drop' && b !== 'drop' && a.address === b.address && a.port === b.port)
}

/**
 * DNAT to the node's address, or REDIRECT if the node has no address (docs/decisions/0001).
 *
 * REDIRECT sends a packet to the first address of the interface that it came in by. A Pod's interface may have none, and for
 * the node's own packets it is 127.0.0.1. The reply of a UDP listener then leaves from an address that conntrack does not
 * expect, and the client drops it. DNAT to the one address that the listener is bound to avoids both.
 */
function ruleTarget(family: IpFamily, address: IpAddress, port: number): RuleTarget {
  return address === unspecifiedAddress(family) ? { kind: 'REDIRECT', port } : { kind: 'DNAT', address, port }
}
