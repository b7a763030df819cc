import { LOOPBACK, cidrContains } from '../../model/cidr.js'
import { type ServicePort, servicePortName } from '../../model/service-port.js'
import { type Rule, type RuleTarget } from '../../netfilter/rule-set.js'
import { MARK_MASQ } from '../../netfilter/chain-names.js'
import { type RuleContext } from './rule-context.js'
import { type ServiceChainNames } from './service-chain-names.js'

const TO_MARK_MASQ: RuleTarget = { kind: 'jump', chain: MARK_MASQ }

/** Where packets from outside lead to; undefined: nowhere. */
export interface ExternalTargets {
  /** What Pods and the node itself send, as if it went out and came back. */
  readonly fromLocal: string | undefined
  readonly fromExternal: string | undefined
}

/**
 * The entry for node ports, external and load-balancer IPs. With policy Cluster everything is masqueraded, since the answer
 * of an endpoint elsewhere has to come back by way of this node; with policy Local an endpoint sees the client.
 */
export function externalRules(
  servicePort: ServicePort,
  { fromLocal, fromExternal }: ExternalTargets,
  context: RuleContext,
): Rule[] {
  const destinations = `${servicePortName(servicePort)} external destinations`
  const rules: Rule[] = []
  if (!servicePort.externalPolicyLocal) {
    rules.push({ comment: `masquerade traffic for ${destinations}`, target: TO_MARK_MASQ })
  } else if (fromLocal !== undefined) {
    const target = { kind: 'jump', chain: fromLocal } as const
    const fromNode = { fromThisNode: true } as const
    rules.push(
      ...context.localMatches.map(from => ({ comment: `pod traffic for ${destinations}`, ...from, target })),
      { comment: `masquerade LOCAL traffic for ${destinations}`, ...fromNode, target: TO_MARK_MASQ },
      { comment: `route LOCAL traffic for ${destinations}`, ...fromNode, target },
    )
  }
  if (fromExternal !== undefined) rules.push({ target: { kind: 'jump', chain: fromExternal } })
  return rules
}

/**
 * Who may go on to the external chain; all others come back, untranslated, and are dropped in table filter.
 *
 * A node that is itself in the ranges reaches a load-balancer IP that is one of its own addresses with that very address as
 * source, and a node port on loopback from loopback.
 */
export function firewallRules(
  { sourceRanges = [], loadBalancerIPs, rangesAtNodePort, ...servicePort }: ServicePort,
  { external }: ServiceChainNames,
  { family, nodeAddress, localhostNodePorts }: RuleContext,
): Rule[] {
  const isNodeAllowed = nodeAddress !== undefined && sourceRanges.some(range => cidrContains(range, nodeAddress))
  const onLoopback = rangesAtNodePort && localhostNodePorts && family === 'IPv4'
  const nodeSources = isNodeAllowed ? [...loadBalancerIPs, ...(onLoopback ? [LOOPBACK[family]] : [])] : []
  const comment = `${servicePortName(servicePort)} source ranges`
  return [...sourceRanges, ...nodeSources].map(source => ({
    comment,
    source,
    target: { kind: 'jump', chain: external },
  }))
}
