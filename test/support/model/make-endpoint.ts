import { type Endpoint } from '../../../lib/model/endpoint.js'

/** A ready endpoint of another node, at port 8080; whatever matters is given. */
export function makeEndpoint(ip: string, given: Partial<Endpoint> = {}): Endpoint {
  return {
    ip,
    port: 8080,
    ready: true,
    serving: true,
    terminating: false,
    isLocal: false,
    zoneHints: [],
    nodeHints: [],
    ...given,
  }
}
