import { type EndpointReason, isUsed } from '../model/endpoint-reason.js'

/** Whether an endpoint serves one kind of traffic, why, and the same as words that follow "the endpoint is". */
export interface EndpointVerdict {
  readonly isUsed: boolean
  readonly reason: EndpointReason
  readonly text: string
}

const TEXTS: Readonly<Record<EndpointReason, (detail: string) => string>> = {
  ready: () => 'used: ready',
  'last-resort': () => 'used as last resort: terminating but still serving, and no endpoint is ready',
  'not-ready': () => 'not used: not ready',
  terminating: () => 'not used: terminating, and other endpoints are ready',
  'not-serving': () => 'not used: terminating, and not serving any more',
  'other-node': detail => `not used: its hints are for ${detail}`,
  'other-zone': detail => `not used: its hints are for ${detail}`,
  'not-on-this-node': () => 'not used: on another node, and the traffic policy is Local',
  'no-such-traffic': () => 'not used: the Service has no traffic of this kind',
  duplicate: detail => `not used: a duplicate of an entry of slice "${detail}"`,
  'no-such-port': detail => `not used: its slice has no ${detail}`,
  'refused-address': detail => `refused: ${detail}`,
  'service-address': detail => `not used: it is an address of a Service, ${detail}, and traffic would go in a loop`,
  'node-address': () => 'not used: it is an address of this node, but no Pod (--allow-node-address-endpoints)',
}

/**
 * A reason with its words.
 * @param detail what the reason is about: the nodes or zones of the hints, the other slice, the missing port, what is wrong with
 *   the address, the Service address
 */
export function endpointVerdict(reason: EndpointReason, detail = ''): EndpointVerdict {
  return { isUsed: isUsed(reason), reason, text: TEXTS[reason](detail) }
}
