import { type IpAddress, hostPort } from './address.js'

/** One Pod behind a service port, as its EndpointSlice tells it (KEP-1672 for the three conditions). */
export interface Endpoint {
  readonly ip: IpAddress
  readonly port: number
  /** Takes new traffic. */
  readonly ready: boolean
  /** Could answer, also while it is being stopped. */
  readonly serving: boolean
  /** Is being stopped. */
  readonly terminating: boolean
  /** Runs on this node. */
  readonly isLocal: boolean
  /** Zones and nodes that should use this endpoint (KEP-2433); empty: no hint. */
  readonly zoneHints: readonly string[]
  readonly nodeHints: readonly string[]
}

/** `ip:port`, the identity of an endpoint inside its service port. */
export function endpointKey(endpoint: Pick<Endpoint, 'ip' | 'port'>): string {
  return hostPort(endpoint.ip, endpoint.port)
}
