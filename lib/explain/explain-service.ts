import { type Frontend, type TrafficAction } from '../frontends/frontend.js'
import { cidrContains } from '../model/cidr.js'
import { servicePortName } from '../model/service-port.js'
import { isInterface } from '../netfilter/walk/decide-condition.js'
import { type ExplainedEndpoint } from '../snapshot/explain-endpoints.js'
import { countOf } from './explain-step.js'
import { type ExplainedState, type KnownServices } from './explained-state.js'
import { type ExplainedWays } from './explain-ways.js'
import {
  type ExplainedCandidate,
  type ExplainedService,
  type KeptByAffinity,
  type LiveCandidate,
} from './explanation.js'
import { type Sender } from './find-sender.js'
import { pickText } from './listener-steps.js'
import { nextText } from './next-text.js'

/** What a Service is explained with. */
export interface ServiceInput {
  readonly frontend: Frontend
  readonly sender: Sender
  readonly found: Pick<ExplainedWays, 'ways' | 'listener' | 'remembered'>
  readonly state: ExplainedState & { readonly known: KnownServices }
}

/** The Service at an address: which endpoints are candidates for the packet, and why. */
export function explainService({ frontend, sender, found, state }: ServiceInput): ExplainedService {
  const { servicePort, kind } = frontend
  const { ways, listener } = found
  const odds = new Map<string, number>()
  for (const way of ways)
    if (way.endpoint !== null && way.end === 'endpoint')
      odds.set(way.endpoint, (odds.get(way.endpoint) ?? 0) + way.odds)
  const { endpoints } = state.known.explainEndpoints(servicePort)
  const traffic = trafficOf(frontend, sender, state.known)
  const kept =
    servicePort.affinitySeconds === undefined
      ? undefined
      : keptEndpoint(servicePort.affinitySeconds, sender, found, state)
  const liveOf = (address: string): LiveCandidate | null =>
    (listener && state.sockets?.candidate(listener, address)) ?? null
  return {
    name: servicePortName(servicePort),
    protocol: servicePort.protocol,
    addressKind: kind,
    traffic,
    policy: policyText(frontend, traffic),
    affinitySeconds: servicePort.affinitySeconds ?? null,
    affinity: affinityText(frontend, sender, kept, state),
    kept: kept ?? null,
    balancing: balancingText(frontend, found, kept, state),
    candidates: endpoints.map(endpoint => candidateOf(endpoint, { traffic, odds, kept, liveOf })),
  }
}

/** The endpoint that the client keeps: by the record of the proxy, or by the rules. */
function keptEndpoint(
  affinitySeconds: number,
  { address }: Sender,
  { listener, remembered }: ServiceInput['found'],
  { sockets }: ExplainedState,
): KeptByAffinity | undefined {
  const kept = listener && sockets?.kept(listener, address)
  if (kept === undefined) return remembered
  const endsInSeconds = Math.ceil(kept.leftMs / 1000)
  return { endpoint: kept.endpoint, usedSecondsAgo: Math.max(0, affinitySeconds - endsInSeconds), endsInSeconds }
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

interface CandidateFacts {
  readonly traffic: 'cluster' | 'local'
  readonly odds: ReadonlyMap<string, number>
  readonly kept: KeptByAffinity | undefined
  readonly liveOf: (address: string) => LiveCandidate | null
}

function candidateOf(endpoint: ExplainedEndpoint, { traffic, odds, kept, liveOf }: CandidateFacts): ExplainedCandidate {
  const { address, slice } = endpoint
  const own = odds.get(address) ?? 0
  const live = liveOf(address)
  // Others may serve it, but this client does not get them now.
  const isPassedOver = own === 0 && (kept !== undefined || (live !== null && live.ejected.length > 0))
  const other = traffic === 'cluster' ? 'local' : 'cluster'
  // A mode may have one list of endpoints for all clients of an address: then the other verdict is the reason.
  const isOther = !isPassedOver && endpoint[traffic].isUsed !== own > 0 && endpoint[other].isUsed === own > 0
  const { isUsed, reason, text } = endpoint[isOther ? other : traffic]
  return { address, slice, isUsed, reason, text, odds: isUsed ? own : 0, live: isUsed ? live : null }
}

function policyText({ kind, servicePort }: Frontend, traffic: 'cluster' | 'local'): string {
  const name = kind === 'cluster IP' ? 'internalTrafficPolicy' : 'externalTrafficPolicy'
  const isLocal = kind === 'cluster IP' ? servicePort.internalPolicyLocal : servicePort.externalPolicyLocal
  if (!isLocal) return `${name} is Cluster: endpoints on all nodes may serve`
  if (traffic === 'local') return `${name} is Local: only endpoints on this node may serve`
  return `${name} is Local, but not for clients inside the cluster: endpoints on all nodes may serve`
}

function affinityText(
  { servicePort: { affinitySeconds } }: Frontend,
  { address }: Sender,
  kept: KeptByAffinity | undefined,
  { sockets }: ExplainedState,
): string {
  if (affinitySeconds === undefined) return 'None: each new connection is picked for itself'
  const until = `until it has opened none for ${affinitySeconds} s`
  if (kept !== undefined) {
    const { endpoint, usedSecondsAgo, endsInSeconds } = kept
    const sooner = sockets === undefined ? '' : ', or does not take a connection of this client'
    return `ClientIP: ${address} keeps ${endpoint} for ${endsInSeconds} s more, ${until}. Its last connection was ${usedSecondsAgo} s ago. It ends sooner if the endpoint is no longer used${sooner}`
  }
  const none = sockets === undefined ? '' : `${address} keeps no endpoint now. `
  return `ClientIP: ${none}${none === '' ? 'later' : 'Later'} connections of ${address} go to the same endpoint, ${until}`
}

function balancingText(
  { servicePort }: Frontend,
  { ways, listener }: ServiceInput['found'],
  kept: KeptByAffinity | undefined,
  state: ExplainedState,
): string {
  const endpoints = new Set(ways.filter(({ end }) => end === 'endpoint').map(({ endpoint }) => endpoint))
  if (endpoints.size === 0) return 'No endpoint can be picked'
  if (kept !== undefined) return `None: session affinity decides`
  const count = countOf(endpoints.size, 'endpoint')
  const { sockets } = state
  if (state.carriedBy === 'sockets') {
    const next = listener && sockets ? nextText(sockets.next(listener), sockets.missing) : ''
    return `kube-proxy picks of ${count}: ${pickText(servicePort)}${next}`
  }
  const server = state.virtualServers.find(
    ({ address, port, protocol }) =>
      address === servicePort.clusterIP && port === servicePort.port && protocol === servicePort.protocol,
  )
  if (server !== undefined) return `IPVS picks of ${count} with scheduler ${server.scheduler}`
  return `The kernel picks of ${count} at random, with the same odds for each`
}
