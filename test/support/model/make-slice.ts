import { type EndpointSliceEndpoint, type EndpointSliceObject } from '../../../lib/model/objects.js'

/**
 * Makes a slice of the Service `web` with one unnamed TCP port, 8080. The endpoints are 10.244.0.1, 10.244.0.2 …, ready, on another
 * node, and no Pods; the test gives the fields that matter.
 */
export function makeSlice(
  endpoints: readonly Partial<EndpointSliceEndpoint>[],
  given: Partial<EndpointSliceObject> = {},
): EndpointSliceObject {
  return {
    namespace: 'default',
    name: 'web-1',
    serviceName: 'web',
    family: 'IPv4',
    ports: [{ name: '', protocol: 'TCP', port: 8080 }],
    endpoints: endpoints.map((endpoint, index) => ({
      ip: `10.244.0.${index + 1}`,
      ready: true,
      serving: true,
      terminating: false,
      nodeName: 'node-b',
      isPod: false,
      zoneHints: [],
      nodeHints: [],
      ...endpoint,
    })),
    triggerTime: undefined,
    ...given,
  }
}
