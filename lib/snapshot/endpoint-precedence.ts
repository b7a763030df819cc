import { type Endpoint } from '../model/endpoint.js'
import { type NodeIdentity, hintsOf, isHintedFor } from './topology-hints.js'

/**
 * Which of several entries of one `ip:port` describes it: the one with the highest number. Slices overlap while the controller moves endpoints between
 * them, and an old entry may still name the Pod that had the address before.
 *
 * An address belongs to one Pod at a time, and the entry of the Pod that can do more describes it: ready before last resort
 * (terminating, still serving) before not ready before terminating only. So an entry that cannot serve never hides one that can.
 * Then the entry of this node; then that of a Pod; then the one whose hints name this node, this zone, any node, any zone. Hints are all or nothing: an
 * entry from before the hints must not switch them off for the whole service port.
 */
export function endpointPrecedence(endpoint: Endpoint, node: NodeIdentity): number {
  const criteria = [
    endpoint.ready,
    // Both at once: publishNotReadyAddresses keeps terminating Pods ready.
    endpoint.ready && !endpoint.terminating,
    isLastResort(endpoint),
    !endpoint.terminating,
    endpoint.isLocal,
    endpoint.isPod,
    isHintedFor('node', endpoint, node),
    isHintedFor('zone', endpoint, node),
    hintsOf('node', endpoint).length > 0,
    hintsOf('zone', endpoint).length > 0,
  ]
  // Each criterion is worth more than all those after it together.
  return criteria.reduce((value, isMet) => 2 * value + Number(isMet), 0)
}

/** Whether an endpoint may serve while no endpoint is ready (KEP-1669). */
export function isLastResort({ serving, terminating }: Endpoint): boolean {
  return serving && terminating
}
