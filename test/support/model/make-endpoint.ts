import { type Endpoint } from '../../../lib/model/endpoint.js'

/** Makes a ready endpoint of another node, which is no Pod, at port 8080; the test gives the fields that matter. */
export function makeEndpoint(ip: string, given: Partial<Endpoint> = {}): Endpoint {
  return {
    ip,
    port: 8080,
    ready: true,
    serving: true,
    terminating: false,
    isLocal: false,
    isPod: false,
    zoneHints: [],
    nodeHints: [],
    ...given,
  }
}
