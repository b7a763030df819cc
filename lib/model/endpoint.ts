import { type IpAddress, hostPort } from './address.js'

/** One endpoint of a service port, from an EndpointSlice (KEP-1672 defines the three conditions). */
export interface Endpoint {
  readonly ip: IpAddress
  readonly port: number
  /** Accepts new traffic. */
  readonly ready: boolean
  /** Able to answer, also while terminating. */
  readonly serving: boolean
  /** The Pod is being deleted. */
  readonly terminating: boolean
  /** Runs on this node. */
  readonly isLocal: boolean
  /** Its `targetRef` names a Pod: the cluster runs it, it is not just an address that a user wrote. */
  readonly isPod: boolean
  /** Zones that should use this endpoint (KEP-2433); empty: no hint. */
  readonly zoneHints: readonly string[]
  /** Nodes that should use it (KEP-3015); empty: no hint. */
  readonly nodeHints: readonly string[]
}

/** `ip:port`, the identity of an endpoint inside its service port. */
export function endpointKey(endpoint: Pick<Endpoint, 'ip' | 'port'>): string {
  return hostPort(endpoint.ip, endpoint.port)
}
