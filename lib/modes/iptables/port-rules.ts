import { type Endpoint, endpointKey } from '../../model/endpoint.js'
import { type ServicePort, servicePortName } from '../../model/service-port.js'
import { type ServedPort } from '../../model/snapshot.js'
import { type ChainGroup, type Rule, type RuleTarget } from '../../rules/rule-set.js'
import { type Portal, type PortalAction, isRanged } from '../portals.js'
import { type Dispatch, type DispatchChain, NO_DISPATCH } from './dispatch.js'
import { EndpointChains } from './endpoint-chains.js'
import { externalRules, firewallRules } from './external-rules.js'
import { MARK_MASQ, MARK_STRANGERS } from '../../rules/chain-names.js'
import { type RuleContext, nodePortMatches } from './rule-context.js'
import { serviceChainNames } from './service-chain-names.js'

/** What one service port adds to the rules of its family. */
export interface PortRules {
  readonly dispatch: Dispatch
  readonly chains: ChainGroup
}

/**
 * The rules of one service port, shaped as kube-proxy's of today (pkg/proxy/iptables/proxier.go, syncProxyRules).
 *
 *     KUBE-SERVICES ─┬──────────────────────────▶ KUBE-SVC-x or KUBE-SVL-x ─▶ KUBE-SEP-y ─▶ DNAT
 *                    └─▶ (KUBE-FW-x ─▶) KUBE-EXT-x ─▲
 *
 * @param portals those of its portals that are its own; see `settleClaims`
 */
export function portRules(
  { servicePort, usable }: ServedPort,
  portals: readonly Portal[],
  context: RuleContext,
): PortRules {
  const names = serviceChainNames(servicePort)
  const chainOf = (action: PortalAction): string | undefined => {
    if (action === 'drop') return undefined
    const list = action === 'cluster' || action === 'ranged' ? 'cluster' : 'local'
    return usable[list].length === 0 ? undefined : names[list]
  }

  const says = servicePortName(servicePort)
  const dispatch: Record<DispatchChain, readonly Rule[]> = { ...NO_DISPATCH, healthChecks: healthChecks(servicePort) }
  const chains = new Map<string, readonly Rule[]>()
  const heads = new Map<string, readonly Rule[]>()
  for (const portal of portals) {
    const [near, far] = [chainOf(portal.fromPods), chainOf(portal.fromElsewhere)]
    const match = matchOf(portal)
    if (portal.kind === 'cluster IP') {
      if (near === undefined) {
        dispatch.unservedInside = [unserved(portal, {})]
        continue
      }
      const toClusterIP = { comment: `${says} cluster IP`, ...match }
      dispatch.addresses = [...dispatch.addresses, jump(near, toClusterIP)]
      heads.set(near, masquerade(toClusterIP, context))
      continue
    }
    const places = portal.kind === 'node port' ? nodePortMatches(context) : [{}]
    if (far === undefined)
      dispatch.unservedOutside = [...dispatch.unservedOutside, ...places.map(place => unserved(portal, place))]
    const isReachable = near !== undefined || far !== undefined
    if (isRanged(portal)) {
      const firewall = places.flatMap(place => firewalled(portal, names.firewall, place, isReachable))
      dispatch.firewall = [...dispatch.firewall, ...firewall]
    }
    if (!isReachable) continue
    const entry = isRanged(portal) ? names.firewall : names.external
    const list = portal.kind === 'node port' ? 'nodePorts' : 'addresses'
    const comment = portal.kind === 'node port' ? says : `${says} ${COMMENTS[portal.kind]}`
    dispatch[list] = [...dispatch[list], jump(entry, { comment, ...match })]
    if (isRanged(portal)) chains.set(names.firewall, firewallRules(servicePort, names, context))
    chains.set(names.external, externalRules(servicePort, { near, far }, context))
    for (const used of [near, far]) if (used !== undefined && !heads.has(used)) heads.set(used, [])
  }

  const ofEndpoints = new EndpointChains(servicePort, context.saysEndpoints)
  const reachable = new Map<string, Endpoint>()
  for (const [name, head] of heads) {
    const endpoints = name === names.cluster ? usable.cluster : usable.local
    chains.set(name, [...head, ...ofEndpoints.choice(endpoints)])
    for (const endpoint of endpoints) reachable.set(endpointKey(endpoint), endpoint)
  }
  for (const endpoint of reachable.values()) chains.set(...ofEndpoints.leading(endpoint))
  const ruleCount = [...chains.values()].reduce((sum, rules) => sum + rules.length, 0)
  return { dispatch, chains: { chains, ruleCount } }
}

const COMMENTS = { 'external IP': 'external IP', 'load-balancer IP': 'loadbalancer IP' } as const

type Match = Omit<Rule, 'target'>

function matchOf({ servicePort: { protocol }, address, port }: Portal): Match {
  return { ...(address !== undefined && { destination: address }), protocol, destinationPort: port }
}

function jump(chain: string, match: Match): Rule {
  return { ...match, target: { kind: 'jump', chain } }
}

/** Traffic to a ClusterIP from outside of the Pods' network: its answers have to come back by way of this node. */
function masquerade(toClusterIP: Match, { masqueradeAll, fromPods }: RuleContext): Rule[] {
  if (masqueradeAll) return [jump(MARK_MASQ, toClusterIP)]
  const [first] = fromPods
  if (first === undefined) return []
  if (fromPods.length > 1) return [jump(MARK_STRANGERS, toClusterIP)]
  return [jump(MARK_MASQ, { ...toClusterIP, not: first })]
}

/**
 * What becomes of packets that were led nowhere. TCP is refused with a reset, where kube-proxy sends "port unreachable": the
 * kernel sends a client but one of these a second, and a client that asks more often waits for nothing.
 */
function unserved(portal: Portal, place: Match): Rule {
  const isElsewhere = portal.fromElsewhere === 'drop'
  const refused = portal.servicePort.protocol === 'TCP' ? 'tcp-reset' : 'port-unreachable'
  return {
    comment: `${servicePortName(portal.servicePort)} has no ${isElsewhere ? 'local ' : ''}endpoints`,
    ...place,
    ...matchOf(portal),
    target: isElsewhere ? { kind: 'DROP' } : { kind: 'REJECT', with: refused },
  }
}

/** Who is not in the ranges is told nothing, not even that nobody would be there. */
function firewalled(portal: Portal, firewall: string, place: Match, isReachable: boolean): Rule[] {
  const { servicePort } = portal
  const match = {
    comment: `${servicePortName(servicePort)} traffic not accepted by ${firewall}`,
    ...place,
    ...matchOf(portal),
  }
  const passed = isReachable ? [] : (servicePort.sourceRanges ?? [])
  return [
    ...passed.map((source): Rule => ({ ...match, source, target: { kind: 'RETURN' } })),
    { ...match, target: { kind: 'DROP' } },
  ]
}

function healthChecks(servicePort: ServicePort): Rule[] {
  if (servicePort.healthCheckNodePort === 0) return []
  const target: RuleTarget = { kind: 'ACCEPT' }
  const comment = `${servicePortName(servicePort)} health check node port`
  return [{ comment, protocol: 'TCP', destinationPort: servicePort.healthCheckNodePort, target }]
}
