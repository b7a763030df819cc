import { LOOPBACK, cidrContains } from '../../model/cidr.js'
import { type ServicePort, servicePortName } from '../../model/service-port.js'
import { type Rule, type RuleTarget } from '../../netfilter/rule-set.js'
import { MARK_MASQ } from '../../netfilter/chain-names.js'
import { type RuleContext } from './rule-context.js'
import { type ServiceChainNames } from './service-chain-names.js'

const TO_MARK_MASQ: RuleTarget = { kind: 'jump', chain: MARK_MASQ }

/** The chains that serve packets to an external address; undefined: no endpoint serves them. */
export interface ExternalTargets {
  /** For packets from Pods and from the node itself, as if they left the cluster and came back. */
  readonly fromLocal: string | undefined
  /** For all other packets. */
  readonly fromExternal: string | undefined
}

/**
 * The chain for node ports, external IPs and load-balancer IPs. With policy Cluster all packets are masqueraded, because the
 * replies of an endpoint on another node must come back through this node. With policy Local an endpoint sees the client's
 * address.
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
 * Sends packets from the source ranges on to the external chain. All others stay untranslated, and table filter drops them.
 *
 * A node in the ranges uses a load-balancer IP that is one of its own addresses as the source of packets to that IP, and
 * loopback as the source of packets to a node port on loopback. These sources are allowed too.
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
