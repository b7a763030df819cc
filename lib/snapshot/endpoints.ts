import { type Endpoint, endpointKey } from '../model/endpoint.js'
import { type EndpointSliceObject } from '../model/objects.js'
import { type ServicePort } from '../model/service-port.js'

/**
 * The endpoints of one service port, merged over all slices of its Service.
 *
 * One endpoint per `ip:port`: slices overlap while the controller moves endpoints between them. Of two that disagree the
 * ready one wins, then the local one, then the one whose slice comes first by name, so that the order in which slices
 * arrive never shows. Sorted by the bytes of `ip:port`, as kube-proxy does.
 */
export function endpointsOf(
  servicePort: Pick<ServicePort, 'family' | 'portName' | 'protocol'>,
  slices: Iterable<EndpointSliceObject>,
  nodeName: string,
): Endpoint[] {
  const merged = new Map<string, Endpoint>()
  for (const slice of [...slices].sort((a, b) => compare(a.name, b.name))) {
    if (slice.family !== servicePort.family) continue
    for (const port of slice.ports) {
      if (port.name !== servicePort.portName || port.protocol !== servicePort.protocol) continue
      for (const found of slice.endpoints) {
        const { nodeName: itsNode, ...rest } = found
        const endpoint: Endpoint = { ...rest, port: port.port, isLocal: nodeName !== '' && itsNode === nodeName }
        const key = endpointKey(endpoint)
        const known = merged.get(key)
        if (known === undefined || rank(endpoint) > rank(known)) merged.set(key, endpoint)
      }
    }
  }
  return [...merged].sort(([a], [b]) => compare(a, b)).map(([, endpoint]) => endpoint)
}

function rank(endpoint: Endpoint): number {
  return (endpoint.ready ? 2 : 0) + (endpoint.isLocal ? 1 : 0)
}

/** Order by code units, which for these ASCII texts is the order of their bytes. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
