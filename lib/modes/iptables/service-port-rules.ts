import { type Endpoint, endpointKey } from '../../model/endpoint.js'
import { type ServicePort, servicePortName } from '../../model/service-port.js'
import { type ServedPort } from '../../model/snapshot.js'
import { type RuleInTable } from '../../netfilter/rule-kind.js'
import { type ChainGroup, type Rule, type RuleTarget } from '../../netfilter/rule-set.js'
import { type Frontend, type TrafficAction, isFirewalled } from '../../frontends/frontend.js'
import { type Dispatch, type DispatchChain, NO_DISPATCH } from './dispatch.js'
import { EndpointChains } from './endpoint-chains.js'
import { externalRules, firewallRules } from './external-rules.js'
import { MARK_MASQ, MARK_STRANGERS } from '../../netfilter/chain-names.js'
import { type RuleContext, nodePortMatches } from './rule-context.js'
import { serviceChainNames } from './service-chain-names.js'

/** What one service port adds to the rules of its family: rules in shared chains, and chains of its own. */
export interface ServicePortRules {
  readonly dispatch: Dispatch
  readonly chains: ChainGroup
}

/** All rules of one service port, with their tables. */
export function* rulesInTables({ dispatch, chains }: ServicePortRules): Generator<RuleInTable> {
  for (const rules of [...chains.chains.values(), dispatch.addresses, dispatch.nodePorts])
    for (const rule of rules) yield ['nat', rule]
  const { unservedInternal, unservedExternal, firewall, healthChecks, invalid } = dispatch
  for (const rule of [...unservedInternal, ...unservedExternal, ...firewall, ...healthChecks, ...invalid])
    yield ['filter', rule]
}

/**
 * The rules of one service port, in the structure of kube-proxy's (`syncProxyRules` in pkg/proxy/iptables/proxier.go).
 *
 *     KUBE-SERVICES ─┬──────────────────────────▶ KUBE-SVC-x or KUBE-SVL-x ─▶ KUBE-SEP-y ─▶ DNAT
 *                    └─▶ (KUBE-FW-x ─▶) KUBE-EXT-x ─▲
 *
 * @param frontends the frontends that the service port owns; see `resolveAddressConflicts`
 */
export function servicePortRules(
  { servicePort, usable }: ServedPort,
  frontends: readonly Frontend[],
  context: RuleContext,
): ServicePortRules {
  const names = serviceChainNames(servicePort)
  const chainOf = (action: TrafficAction): string | undefined => {
    if (action === 'drop') return undefined
    const list = action === 'cluster' || action === 'cluster-firewalled' ? 'cluster' : 'local'
    return usable[list].length === 0 ? undefined : names[list]
  }

  const portName = servicePortName(servicePort)
  const dispatch: Record<DispatchChain, readonly Rule[]> = {
    ...NO_DISPATCH,
    healthChecks: healthCheckRules(servicePort),
  }
  const chains = new Map<string, readonly Rule[]>()
  const headRules = new Map<string, readonly Rule[]>()
  for (const frontend of frontends) {
    const [fromLocal, fromExternal] = [chainOf(frontend.fromPods), chainOf(frontend.fromExternal)]
    const match = frontendMatch(frontend)
    if (frontend.kind === 'cluster IP') {
      if (fromLocal === undefined) {
        dispatch.unservedInternal = [noEndpointsRule(frontend, {})]
        continue
      }
      const toClusterIP = { comment: `${portName} cluster IP`, ...match }
      dispatch.addresses = [...dispatch.addresses, jump(fromLocal, toClusterIP)]
      headRules.set(fromLocal, clusterIPMasquerade(toClusterIP, context))
      continue
    }
    const destinations = frontend.kind === 'node port' ? nodePortMatches(context) : [{}]
    if (fromExternal === undefined)
      dispatch.unservedExternal = [
        ...dispatch.unservedExternal,
        ...destinations.map(destination => noEndpointsRule(frontend, destination)),
      ]
    const isReachable = fromLocal !== undefined || fromExternal !== undefined
    if (isFirewalled(frontend)) {
      const firewall = destinations.flatMap(destination =>
        firewallDropRules(frontend, names.firewall, destination, isReachable),
      )
      dispatch.firewall = [...dispatch.firewall, ...firewall]
    }
    if (!isReachable) continue
    const entry = isFirewalled(frontend) ? names.firewall : names.external
    const list = frontend.kind === 'node port' ? 'nodePorts' : 'addresses'
    const comment = frontend.kind === 'node port' ? portName : `${portName} ${KIND_COMMENTS[frontend.kind]}`
    dispatch[list] = [...dispatch[list], jump(entry, { comment, ...match })]
    if (isFirewalled(frontend)) chains.set(names.firewall, firewallRules(servicePort, names, context))
    chains.set(names.external, externalRules(servicePort, { fromLocal, fromExternal }, context))
    for (const used of [fromLocal, fromExternal])
      if (used !== undefined && !headRules.has(used)) headRules.set(used, [])
  }

  const endpointChains = new EndpointChains(servicePort, context.hasEndpointComments)
  const reachable = new Map<string, Endpoint>()
  for (const [name, head] of headRules) {
    const endpoints = name === names.cluster ? usable.cluster : usable.local
    chains.set(name, [...head, ...endpointChains.buildSelection(endpoints)])
    for (const endpoint of endpoints) reachable.set(endpointKey(endpoint), endpoint)
  }
  for (const endpoint of reachable.values()) chains.set(...endpointChains.buildChain(endpoint))
  dispatch.invalid = invalidSegmentRules(servicePort, frontends, [...reachable.values()], context)
  const ruleCount = [...chains.values()].reduce((sum, rules) => sum + rules.length, 0)
  return { dispatch, chains: { chains, ruleCount } }
}

const KIND_COMMENTS = { 'external IP': 'external IP', 'load-balancer IP': 'loadbalancer IP' } as const

type Match = Omit<Rule, 'target'>

function frontendMatch({ servicePort: { protocol }, address, port }: Frontend): Match {
  return { ...(address !== undefined && { destination: address }), protocol, destinationPort: port }
}

function jump(chain: string, match: Match): Rule {
  return { ...match, target: { kind: 'jump', chain } }
}

/** Masquerades packets to a ClusterIP from outside the Pods' network: the replies must come back through this node. */
function clusterIPMasquerade(toClusterIP: Match, { masqueradeAll, localMatches }: RuleContext): Rule[] {
  if (masqueradeAll) return [jump(MARK_MASQ, toClusterIP)]
  const [first] = localMatches
  if (first === undefined) return []
  if (localMatches.length > 1) return [jump(MARK_STRANGERS, toClusterIP)]
  return [jump(MARK_MASQ, { ...toClusterIP, not: first })]
}

/**
 * Refuses or drops packets that no endpoint can serve. TCP is refused with a reset, where kube-proxy sends "port
 * unreachable": the kernel sends a client only one of these a second, and a client that connects more often would wait until
 * it times out.
 */
function noEndpointsRule(frontend: Frontend, nodePortMatch: Match): Rule {
  const hasOnlyRemoteEndpoints = frontend.fromExternal === 'drop'
  const rejectWith = frontend.servicePort.protocol === 'TCP' ? 'tcp-reset' : 'port-unreachable'
  return {
    comment: `${servicePortName(frontend.servicePort)} has no ${hasOnlyRemoteEndpoints ? 'local ' : ''}endpoints`,
    ...nodePortMatch,
    ...frontendMatch(frontend),
    target: hasOnlyRemoteEndpoints ? { kind: 'DROP' } : { kind: 'REJECT', with: rejectWith },
  }
}

/** Drops packets from outside the source ranges. The client cannot see whether the Service has endpoints. */
function firewallDropRules(frontend: Frontend, chain: string, nodePortMatch: Match, isReachable: boolean): Rule[] {
  const { servicePort } = frontend
  const match = {
    comment: `${servicePortName(servicePort)} traffic not accepted by ${chain}`,
    ...nodePortMatch,
    ...frontendMatch(frontend),
  }
  const allowedRanges = isReachable ? [] : (servicePort.sourceRanges ?? [])
  return [
    ...allowedRanges.map((source): Rule => ({ ...match, source, target: { kind: 'RETURN' } })),
    { ...match, target: { kind: 'DROP' } },
  ]
}

/**
 * Drops invalid segments between clients and the node itself: to the node port and to external addresses, which may be addresses of the
 * node; and from and to endpoints that are the node itself. Such an endpoint's segment would reach the client untranslated, and the
 * client would reset the connection. Other connections may use the same addresses and ports, and must be able to end.
 *
 * There are no rules for ClusterIPs: `KUBE-FORWARD` drops what comes from other hosts, and what the node itself sends goes to an
 * address that no host has.
 */
function invalidSegmentRules(
  servicePort: ServicePort,
  frontends: readonly Frontend[],
  endpoints: readonly Endpoint[],
  { hostEndpointIPs }: RuleContext,
): Rule[] {
  if (servicePort.protocol !== 'TCP') return []
  const match = { comment: servicePortName(servicePort), protocol: 'TCP', keepsConnection: true } as const
  const toFrontends = frontends
    .filter(({ kind }) => kind !== 'cluster IP')
    .map(({ address, port }) => ({
      ...(address === undefined ? { toThisNode: true as const } : { destination: address }),
      destinationPort: port,
    }))
  const onHost = endpoints
    .filter(({ ip }) => hostEndpointIPs.includes(ip))
    .flatMap(({ ip, port }) => [
      { source: ip, sourcePort: port },
      { destination: ip, destinationPort: port },
    ])
  return [...toFrontends, ...onHost].map(place => ({ ...match, ...place, target: { kind: 'DROP' } }))
}

function healthCheckRules(servicePort: ServicePort): Rule[] {
  if (servicePort.healthCheckNodePort === 0) return []
  const target: RuleTarget = { kind: 'ACCEPT' }
  const comment = `${servicePortName(servicePort)} health check node port`
  return [{ comment, protocol: 'TCP', destinationPort: servicePort.healthCheckNodePort, target }]
}
