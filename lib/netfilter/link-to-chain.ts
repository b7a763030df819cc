import { type Link, type Rule } from './rule-set.js'

/**
 * The comments of all links, in every mode. Those of the original kube-proxy are the same. A rule with one of them that jumps to a
 * chain of this program was written by this program, by another version of it, or by the original.
 */
export const LINK_COMMENTS = {
  frontends: 'handle ClusterIPs; NOTE: this must be before the NodePort rules',
  userspaceNodePorts: 'handle service NodePorts; NOTE: this must be the last rule in the chain',
  onOtherNodes: 'Services whose endpoints are on other nodes only',
  proxyPorts: 'proxy ports',
  invalidSegments: 'segments of no connection',
  services: 'kubernetes service portals',
  externalServices: 'kubernetes externally-visible service portals',
  healthChecks: 'kubernetes health check service ports',
  ipvsHealthChecks: 'kubernetes health check rules',
  postrouting: 'kubernetes postrouting rules',
  forwarding: 'kubernetes forwarding rules',
  firewall: 'kubernetes load balancer firewall',
  ipvsFirewall: 'kube-proxy firewall rules',
  ipvsFilter: 'kubernetes ipvs access filter',
} as const

/**
 * The link by which a chain of the kernel sends packets to a chain of this program.
 * @param match what packets it sends, with the comment; omitted: all
 * @param place where it stands; omitted: first, and its place does not matter later
 */
export function linkToChain(
  chain: string,
  target: string,
  match: Omit<Rule, 'target'> = {},
  place: Partial<Pick<Link, 'position' | 'staysAbove'>> = {},
): Link {
  return { chain, position: 'first', ...place, rule: { ...match, target: { kind: 'jump', chain: target } } }
}

/** A chain of the kernel whose invalid segments a mode looks at. */
export type InvalidSegmentHook = 'INPUT' | 'FORWARD' | 'OUTPUT'

/**
 * Sends TCP segments that conntrack finds invalid to the rules that drop those of Services. Each rule there matches an address or port
 * of a Service, so segments of other connections pass: conntrack finds them invalid too where it sees one direction only.
 *
 * Where another connection may use the same address and port, a rule lets segments pass that close or reset their connection
 * (`keepsConnection`): conntrack may not know the connection, and it must be able to end.
 *
 * @param target the chain with these rules
 */
export function invalidSegmentLinks(target: string, hooks: readonly InvalidSegmentHook[]): Link[] {
  const match = { comment: LINK_COMMENTS.invalidSegments, protocol: 'TCP', connection: 'INVALID' } as const
  return hooks.map(chain => linkToChain(chain, target, match, { staysAbove: 'acceptance' }))
}
