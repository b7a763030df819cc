import { type Endpoint, endpointKey } from '../model/endpoint.js'

/** Where the proxy runs: what node and zone hints are compared with. */
export interface NodeIdentity {
  readonly name: string
  /** Empty when unknown. */
  readonly zone: string
}

/** Which hints of an endpoint: for nodes (`PreferSameNode`, KEP-3015) or for zones (KEP-2433). */
export type HintKind = 'node' | 'zone'

/** What the hints of one kind mean for a service port. */
interface HintScan {
  /** Whether only endpoints with a hint for this node, or its zone, may be used. */
  readonly isOn: boolean
  /** The first ready endpoint without a hint, which switches the hints off for the whole port. */
  readonly endpointWithout: Endpoint | undefined
}

/**
 * Which hints of the ready endpoints decide on this node: those of nodes come before those of zones (KEP-3015).
 * @returns undefined if hints do not decide
 */
export function decidingTopologyHints(ready: readonly Endpoint[], node: NodeIdentity): HintKind | undefined {
  if (scanHints('node', ready, node).isOn) return 'node'
  return scanHints('zone', ready, node).isOn ? 'zone' : undefined
}

/**
 * Hints are all or nothing: they decide only when every ready endpoint has one, and one of them names this node, or its zone.
 * Traffic would otherwise overload the few endpoints that have a hint, or reach none.
 */
function scanHints(kind: HintKind, ready: readonly Endpoint[], node: NodeIdentity): HintScan {
  const endpointWithout = ready.find(endpoint => hintsOf(kind, endpoint).length === 0)
  const isOn = endpointWithout === undefined && ready.some(endpoint => isHintedFor(kind, endpoint, node))
  return { isOn, endpointWithout }
}

/** Whether one of the endpoint's hints names this node, or its zone. */
export function isHintedFor(kind: HintKind, endpoint: Endpoint, node: NodeIdentity): boolean {
  return hintsOf(kind, endpoint).includes(kind === 'node' ? node.name : node.zone)
}

/** The nodes, or the zones, that should use the endpoint; empty: no hint. */
export function hintsOf(kind: HintKind, endpoint: Endpoint): readonly string[] {
  return kind === 'node' ? endpoint.nodeHints : endpoint.zoneHints
}

/** Whether the hints of one kind decide, or why they do not. */
export type HintState = 'on' | 'no-ready-endpoint' | 'absent' | 'incomplete' | 'none-for-this-node' | 'zone-unknown'

/** The state, and a sentence about it, as kube-proxy 1.36 logs them (`topologyModeFromHints`). */
export interface HintFact {
  readonly state: HintState
  readonly text: string
}

/** Says in words what the hints of one kind mean on this node. */
export function explainHints(kind: HintKind, ready: readonly Endpoint[], node: NodeIdentity): HintFact {
  const { isOn, endpointWithout } = scanHints(kind, ready, node)
  const place = kind === 'node' ? `node "${node.name}"` : `zone "${node.zone}"`
  if (isOn) return { state: 'on', text: `only endpoints with a hint for ${place} are used` }
  if (ready.length === 0) return { state: 'no-ready-endpoint', text: 'no endpoint is ready, so hints do not count' }
  if (endpointWithout !== undefined)
    return ready.some(endpoint => hintsOf(kind, endpoint).length > 0)
      ? { state: 'incomplete', text: `hints are ignored: endpoint ${endpointKey(endpointWithout)} has no ${kind} hint` }
      : { state: 'absent', text: `no ready endpoint has a ${kind} hint` }
  if (kind === 'zone' && node.zone === '')
    return { state: 'zone-unknown', text: 'hints are ignored: the zone of this node is unknown' }
  return { state: 'none-for-this-node', text: `hints are ignored: no ready endpoint has a hint for ${place}` }
}
