/** The two kinds of traffic: `cluster` may go to any node, `local` must stay on this node. */
export type TrafficKind = 'cluster' | 'local'

/** Why an endpoint serves one kind of traffic of a service port, or why it does not. */
export type EndpointReason =
  /** Used: ready, and hints do not reserve it for others. */
  | 'ready'
  /** Used: terminating but still serving, while no endpoint is ready (KEP-1669). */
  | 'last-resort'
  /** Neither ready nor terminating. */
  | 'not-ready'
  /** Terminating but still serving, while some endpoint is ready. */
  | 'terminating'
  /** Terminating, and not serving any more. */
  | 'not-serving'
  /** Ready, but its hints name other nodes only. */
  | 'other-node'
  /** Ready, but its hints name other zones only. */
  | 'other-zone'
  /** On another node, while a policy `Local` keeps the traffic on this one. */
  | 'not-on-this-node'
  /** The service port has no traffic of this kind. */
  | 'no-such-traffic'
  /** Another slice, or another port of the same slice, has the same address and port. */
  | 'duplicate'
  /** Its slice has no port with the name and protocol of the service port. */
  | 'no-such-port'
  /** The address may not be an endpoint: not an IP address, of the wrong family, or a special one such as loopback. */
  | 'refused-address'
  /** It is an address of a Service: the connection would come back to the proxy, in a loop. */
  | 'service-address'
  /** It is an address of this node and no Pod, in a mode in which the node is the client of every endpoint. */
  | 'node-address'

/** Whether an endpoint with this reason gets traffic. */
export function isUsed(reason: EndpointReason): boolean {
  return reason === 'ready' || reason === 'last-resort'
}

/** Why an endpoint is left out although its conditions allow it. */
export interface LeftOut {
  readonly reason: 'service-address' | 'node-address'
  /** The Service address, if it is one. */
  readonly detail: string
}
