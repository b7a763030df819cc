import { type Endpoint, endpointKey } from '../model/endpoint.js'
import { type EndpointReason, type LeftOut, type TrafficKind, isUsed } from '../model/endpoint-reason.js'
import { type EndpointSliceObject } from '../model/objects.js'
import { type ServicePort } from '../model/service-port.js'
import { isLastResort } from './endpoint-precedence.js'
import { type EndpointRules, endpointReason, endpointRules } from './endpoint-rules.js'
import { type EndpointVerdict, endpointVerdict } from './endpoint-verdict.js'
import { compare, endpointsOf, matchingPorts } from './endpoints.js'
import { type HintFact, type HintKind, type NodeIdentity, explainHints, hintsOf } from './topology-hints.js'

/** One entry of one slice with both verdicts. */
export interface ExplainedEndpoint {
  /** `ip:port`; of a refused address, or one without such a port, only what stands in the slice. */
  readonly address: string
  /** Name of its EndpointSlice, or of the Endpoints object, without namespace. */
  readonly slice: string
  readonly cluster: EndpointVerdict
  readonly local: EndpointVerdict
}

/**
 * What one kind of traffic meets: no traffic of this kind; ready endpoints; endpoints of last resort; `remote-only`, when only
 * other nodes have endpoints and packets are dropped; `none`, when there are none at all.
 */
export type TrafficState = 'no-such-traffic' | 'ready' | 'last-resort' | 'remote-only' | 'none'

/** Why each endpoint of a service port is used or not, and what holds for the whole port. */
export interface EndpointsExplanation {
  /** In the order of addresses, then of slices. */
  readonly endpoints: readonly ExplainedEndpoint[]
  readonly traffic: Readonly<Record<TrafficKind, TrafficState>>
  /** Zone hints do not count where node hints are on, and neither does where the port has no cluster traffic. */
  readonly hints: Readonly<Record<HintKind, HintFact>>
}

/**
 * Explains on demand what `usableEndpoints` decides, by the same rules.
 *
 * @param findLeftOut why an endpoint is left out although its conditions allow it, if it is (`FrontendTable.findLeftOut`)
 */
export function explainEndpoints(
  servicePort: ServicePort,
  slices: Iterable<EndpointSliceObject>,
  node: NodeIdentity,
  findLeftOut: (endpoint: Endpoint) => LeftOut | undefined = () => undefined,
): EndpointsExplanation {
  const ownFamily = [...slices].filter(({ family }) => family === servicePort.family)
  const sliceOf = new Map<Endpoint, string>()
  const merged = endpointsOf(servicePort, ownFamily, node, (endpoint, { name }) => sliceOf.set(endpoint, name))
  const winners = new Map(merged.map(endpoint => [endpointKey(endpoint), endpoint]))
  const rules = endpointRules(servicePort, merged, node)

  const explain = (endpoint: Endpoint, kind: TrafficKind): EndpointVerdict => {
    const winner = winners.get(endpointKey(endpoint))!
    if (winner !== endpoint) return endpointVerdict('duplicate', sliceOf.get(winner))
    const reason = endpointReason(endpoint, rules[kind])
    const leftOut = isUsed(reason) ? findLeftOut(endpoint) : undefined
    if (leftOut !== undefined) return endpointVerdict(leftOut.reason, leftOut.detail)
    return endpointVerdict(reason, hintDetail(reason, endpoint))
  }
  const endpoints = [
    ...[...sliceOf].map(([endpoint, slice]) => ({
      address: endpointKey(endpoint),
      slice,
      cluster: explain(endpoint, 'cluster'),
      local: explain(endpoint, 'local'),
    })),
    ...ownFamily.flatMap(slice => explainUnread(slice, servicePort)),
  ].sort((a, b) => compare(a.address, b.address) || compare(a.slice, b.slice))

  return {
    endpoints,
    traffic: {
      cluster: trafficState('cluster', endpoints, merged, rules),
      local: trafficState('local', endpoints, merged, rules),
    },
    hints: {
      node: explainHints('node', rules.ready, node),
      zone: explainHints('zone', rules.ready, node),
    },
  }
}

/** What a slice has that never becomes an endpoint: refused addresses, and all of it when it has no such port. */
function explainUnread(slice: EndpointSliceObject, servicePort: ServicePort): ExplainedEndpoint[] {
  const leaveOut = (address: string, reason: EndpointReason, detail: string): ExplainedEndpoint => {
    const why = endpointVerdict(reason, detail)
    return { address, slice: slice.name, cluster: why, local: why }
  }
  const refused = (slice.refused ?? []).map(({ address, why }) => leaveOut(address, 'refused-address', why))
  if (matchingPorts(slice, servicePort).length > 0) return refused
  const name = servicePort.portName === '' ? 'without name' : `"${servicePort.portName}"`
  const missing = `port ${name} of protocol ${servicePort.protocol}`
  return [...slice.endpoints.map(({ ip }) => leaveOut(ip, 'no-such-port', missing)), ...refused]
}

/** For reasons that are about hints: the nodes or zones that the endpoint is reserved for. */
function hintDetail(reason: EndpointReason, endpoint: Endpoint): string | undefined {
  const kind = reason === 'other-node' ? 'node' : reason === 'other-zone' ? 'zone' : undefined
  return (
    kind &&
    `${kind} ${hintsOf(kind, endpoint)
      .map(name => `"${name}"`)
      .join(', ')}`
  )
}

function trafficState(
  kind: TrafficKind,
  explained: readonly ExplainedEndpoint[],
  merged: readonly Endpoint[],
  rules: EndpointRules,
): TrafficState {
  if (!rules[kind].hasTraffic) return 'no-such-traffic'
  const used = explained.find(endpoint => endpoint[kind].isUsed)?.[kind].reason
  if (used === 'ready' || used === 'last-resort') return used
  return kind === 'local' && (rules.ready.length > 0 || merged.some(isLastResort)) ? 'remote-only' : 'none'
}
