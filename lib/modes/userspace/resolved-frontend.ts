import { type IpAddress, type IpFamily, unspecifiedAddress } from '../../model/address.js'
import { servicePortName } from '../../model/service-port.js'
import { type Rule, type RuleTarget } from '../../netfilter/rule-set.js'
import { type Frontend } from '../../frontends/frontend.js'
import { type LocalMatch } from '../../frontends/local-traffic.js'

/** Where packets are led: a listener, or nowhere. */
export type FrontendTarget = { readonly address: IpAddress; readonly port: number } | 'drop'

/** A portal, with the listeners that its actions have come to mean. */
export interface ResolvedFrontend {
  readonly frontend: Frontend
  readonly fromNode: FrontendTarget
  readonly fromPods: FrontendTarget
  readonly fromExternal: FrontendTarget
}

/** Led to the same listener wherever a packet comes from: both hooks can then share its rules. */
export function isUniform({ fromNode, fromPods, fromExternal }: ResolvedFrontend): boolean {
  return isSameTarget(fromNode, fromPods) && isSameTarget(fromPods, fromExternal)
}

/** Whether packets from somewhere are dropped. */
export function isDropped({ fromNode, fromPods, fromExternal }: ResolvedFrontend): boolean {
  return fromNode === 'drop' || fromPods === 'drop' || fromExternal === 'drop'
}

export function protocolOf({ protocol }: Frontend['servicePort']): 'TCP' | 'UDP' {
  return protocol === 'UDP' ? 'UDP' : 'TCP'
}

/** What comes in: first what Pods send, where that is treated differently, then everything else. */
export function arrivingRules(resolved: ResolvedFrontend, localMatches: readonly LocalMatch[]): Rule[] {
  const localRules = isSameTarget(resolved.fromPods, resolved.fromExternal)
    ? []
    : localMatches.flatMap(match => targetRules(resolved.frontend, resolved.fromPods, match))
  return [...localRules, ...targetRules(resolved.frontend, resolved.fromExternal)]
}

/** What starts on the node itself. */
export function leavingRules(resolved: ResolvedFrontend): Rule[] {
  return targetRules(resolved.frontend, resolved.fromNode)
}

/** What is dropped is not turned anywhere, and meets its rule in the filter table as it was sent. */
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

/** A node port is one only at the node's own addresses: what passes through to a port of that number is not ours. */
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
 * DNAT to the node's address, or REDIRECT where the node has none to lead to (docs/decisions/0001).
 *
 * REDIRECT turns a packet to whatever the first address of the interface is that it came in by: none, behind a Pod
 * interface without address, and 127.0.0.1 for the node's own packets; the answer of a UDP listener then leaves from an
 * address that conntrack does not expect, and the client drops it. DNAT to one address, on which the listener is bound,
 * has none of that.
 */
function ruleTarget(family: IpFamily, address: IpAddress, port: number): RuleTarget {
  return address === unspecifiedAddress(family) ? { kind: 'REDIRECT', port } : { kind: 'DNAT', address, port }
}
