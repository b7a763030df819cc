import { type Frontend, type TrafficAction } from '../frontends/frontend.js'
import { cidrContains } from '../model/cidr.js'
import { servicePortName } from '../model/service-port.js'
import { isInterface } from '../netfilter/walk/decide-condition.js'
import { type ExplainedEndpoint } from '../snapshot/explain-endpoints.js'
import { countOf } from './explain-step.js'
import { type ExplainedState, type KnownServices } from './explained-state.js'
import { type ExplainedCandidate, type ExplainedService, type ExplainedWay } from './explanation.js'
import { type Sender } from './find-sender.js'
import { pickText } from './listener-steps.js'

/** The Service at an address: which endpoints are candidates for the packet, and why. */
export function explainService(
  frontend: Frontend,
  sender: Sender,
  ways: readonly ExplainedWay[],
  state: ExplainedState & { readonly known: KnownServices },
): ExplainedService {
  const { servicePort, kind } = frontend
  const odds = new Map<string, number>()
  for (const way of ways)
    if (way.endpoint !== null && way.end === 'endpoint')
      odds.set(way.endpoint, (odds.get(way.endpoint) ?? 0) + way.odds)
  const { endpoints } = state.known.explainEndpoints(servicePort)
  const traffic = trafficOf(frontend, sender, state.known)
  return {
    name: servicePortName(servicePort),
    protocol: servicePort.protocol,
    addressKind: kind,
    traffic,
    policy: policyText(frontend, traffic),
    affinitySeconds: servicePort.affinitySeconds ?? null,
    affinity: affinityText(frontend, sender),
    balancing: balancingText(frontend, ways, state),
    candidates: endpoints.map(endpoint => candidateOf(endpoint, traffic, odds)),
  }
}

/** Which endpoints may serve packets of the sender. */
function trafficOf(
  frontend: Frontend,
  { kind, address, inInterface }: Sender,
  known: KnownServices,
): 'cluster' | 'local' {
  if (kind === 'node') return kindOf(frontend.fromNode)
  const isFromPod = known.localTraffic(frontend.servicePort.family).localMatches.some(match => {
    if ('source' in match) return cidrContains(match.source, address)
    return isInterface(inInterface, match.inInterface) === true
  })
  return kindOf(isFromPod ? frontend.fromPods : frontend.fromExternal)
}

function kindOf(action: TrafficAction): 'cluster' | 'local' {
  return action === 'cluster' || action === 'cluster-firewalled' ? 'cluster' : 'local'
}

function candidateOf(
  endpoint: ExplainedEndpoint,
  traffic: 'cluster' | 'local',
  odds: ReadonlyMap<string, number>,
): ExplainedCandidate {
  const { address, slice } = endpoint
  const own = odds.get(address) ?? 0
  const other = traffic === 'cluster' ? 'local' : 'cluster'
  // A mode may have one list of endpoints for all clients of an address: then the other verdict is the reason.
  const isOther = endpoint[traffic].isUsed !== own > 0 && endpoint[other].isUsed === own > 0
  const { isUsed, reason, text } = endpoint[isOther ? other : traffic]
  return { address, slice, isUsed, reason, text, odds: isUsed ? own : 0 }
}

function policyText({ kind, servicePort }: Frontend, traffic: 'cluster' | 'local'): string {
  const name = kind === 'cluster IP' ? 'internalTrafficPolicy' : 'externalTrafficPolicy'
  const isLocal = kind === 'cluster IP' ? servicePort.internalPolicyLocal : servicePort.externalPolicyLocal
  if (!isLocal) return `${name} is Cluster: endpoints on all nodes may serve`
  if (traffic === 'local') return `${name} is Local: only endpoints on this node may serve`
  return `${name} is Local, but not for clients inside the cluster: endpoints on all nodes may serve`
}

function affinityText({ servicePort: { affinitySeconds } }: Frontend, { address }: Sender): string {
  if (affinitySeconds === undefined) return 'None: each new connection is picked for itself'
  return `ClientIP: later connections of ${address} go to the same endpoint, until it has opened none for ${affinitySeconds} s`
}

function balancingText({ servicePort }: Frontend, ways: readonly ExplainedWay[], state: ExplainedState): string {
  const endpoints = new Set(ways.filter(({ end }) => end === 'endpoint').map(({ endpoint }) => endpoint))
  if (endpoints.size === 0) return 'No endpoint can be picked'
  const count = countOf(endpoints.size, 'endpoint')
  if (state.carriedBy === 'sockets') return `kube-proxy picks of ${count}: ${pickText(servicePort)}`
  const server = state.virtualServers.find(
    ({ address, port, protocol }) =>
      address === servicePort.clusterIP && port === servicePort.port && protocol === servicePort.protocol,
  )
  if (server !== undefined) return `IPVS picks of ${count} with scheduler ${server.scheduler}`
  return `The kernel picks of ${count} at random, with the same odds for each`
}
