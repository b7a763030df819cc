import { type IpAddress, type IpFamily, unspecifiedAddress } from '../../model/address.js'
import { servicePortName } from '../../model/service-port.js'
import { type Rule, type RuleTarget } from '../../rules/rule-set.js'
import { type Portal } from '../portals.js'
import { type FromPod } from '../surroundings.js'

/** Where packets are led: a listener, or nowhere. */
export type PortalTarget = { readonly address: IpAddress; readonly port: number } | 'drop'

/** A portal, with the listeners that its actions have come to mean. */
export interface LedPortal {
  readonly portal: Portal
  readonly fromNode: PortalTarget
  readonly fromPods: PortalTarget
  readonly fromElsewhere: PortalTarget
}

/** Led to the same listener wherever a packet comes from: both hooks can then share its rules. */
export function isUniform({ fromNode, fromPods, fromElsewhere }: LedPortal): boolean {
  return sameTarget(fromNode, fromPods) && sameTarget(fromPods, fromElsewhere)
}

/** Whether packets from somewhere are dropped. */
export function isDropped({ fromNode, fromPods, fromElsewhere }: LedPortal): boolean {
  return fromNode === 'drop' || fromPods === 'drop' || fromElsewhere === 'drop'
}

export function protocolOf({ protocol }: Portal['servicePort']): 'TCP' | 'UDP' {
  return protocol === 'UDP' ? 'UDP' : 'TCP'
}

/** What comes in: first what Pods send, where that is treated differently, then everything else. */
export function rulesOfArriving(led: LedPortal, fromPods: readonly FromPod[]): Rule[] {
  const ofPods = sameTarget(led.fromPods, led.fromElsewhere)
    ? []
    : fromPods.flatMap(match => ruleTo(led.portal, led.fromPods, match))
  return [...ofPods, ...ruleTo(led.portal, led.fromElsewhere)]
}

/** What starts on the node itself. */
export function rulesOfLeaving(led: LedPortal): Rule[] {
  return ruleTo(led.portal, led.fromNode)
}

/** What is dropped is not turned anywhere, and meets its rule in the filter table as it was sent. */
function ruleTo(portal: Portal, target: PortalTarget, from?: FromPod): Rule[] {
  if (target === 'drop') return []
  return [{ ...matchOf(portal), ...from, target: portalTarget(portal.servicePort.family, target.address, target.port) }]
}

/** A node port is one only at the node's own addresses: what passes through to a port of that number is not ours. */
export function rulesOfDropped({ portal }: LedPortal): Rule[] {
  return [{ ...matchOf(portal), ...(portal.address === undefined && { toThisNode: true }), target: { kind: 'DROP' } }]
}

function matchOf({ servicePort, address, port }: Portal): Omit<Rule, 'target'> {
  return {
    comment: servicePortName(servicePort),
    ...(address === undefined ? {} : { destination: address }),
    protocol: protocolOf(servicePort),
    destinationPort: port,
  }
}

function sameTarget(a: PortalTarget, b: PortalTarget): boolean {
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
function portalTarget(family: IpFamily, address: IpAddress, port: number): RuleTarget {
  return address === unspecifiedAddress(family) ? { kind: 'REDIRECT', port } : { kind: 'DNAT', address, port }
}
