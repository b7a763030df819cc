import { LOOPBACK, cidrContains } from '../../model/cidr.js'
import { type ServicePort, servicePortName } from '../../model/service-port.js'
import { type Rule, type RuleTarget } from '../../rules/rule-set.js'
import { MARK_MASQ } from '../../rules/chain-names.js'
import { type RuleContext } from './rule-context.js'
import { type ServiceChainNames } from './service-chain-names.js'

const TO_MARK_MASQ: RuleTarget = { kind: 'jump', chain: MARK_MASQ }

/** Where packets from outside lead to; undefined: nowhere. */
export interface ExternalTargets {
  /** What Pods and the node itself send, as if it went out and came back. */
  readonly near: string | undefined
  readonly far: string | undefined
}

/**
 * The entry for node ports, external and load-balancer IPs. With policy Cluster everything is masqueraded, since the answer
 * of an endpoint elsewhere has to come back by way of this node; with policy Local an endpoint sees the client.
 */
export function externalRules(servicePort: ServicePort, { near, far }: ExternalTargets, context: RuleContext): Rule[] {
  const destinations = `${servicePortName(servicePort)} external destinations`
  const rules: Rule[] = []
  if (!servicePort.externalPolicyLocal) {
    rules.push({ comment: `masquerade traffic for ${destinations}`, target: TO_MARK_MASQ })
  } else if (near !== undefined) {
    const target = { kind: 'jump', chain: near } as const
    const fromNode = { fromThisNode: true } as const
    rules.push(
      ...context.fromPods.map(from => ({ comment: `pod traffic for ${destinations}`, ...from, target })),
      { comment: `masquerade LOCAL traffic for ${destinations}`, ...fromNode, target: TO_MARK_MASQ },
      { comment: `route LOCAL traffic for ${destinations}`, ...fromNode, target },
    )
  }
  if (far !== undefined) rules.push({ target: { kind: 'jump', chain: far } })
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
  const isNodeIn = nodeAddress !== undefined && sourceRanges.some(range => cidrContains(range, nodeAddress))
  const onLoopback = rangesAtNodePort && localhostNodePorts && family === 'IPv4'
  const ofNode = isNodeIn ? [...loadBalancerIPs, ...(onLoopback ? [LOOPBACK[family]] : [])] : []
  const comment = `${servicePortName(servicePort)} source ranges`
  return [...sourceRanges, ...ofNode].map(source => ({ comment, source, target: { kind: 'jump', chain: external } }))
}
