import { type Endpoint, endpointKey } from '../model/endpoint.js'
import { type EndpointSliceObject, type ObjectPort } from '../model/objects.js'
import { type ServicePort } from '../model/service-port.js'
import { endpointPrecedence } from './endpoint-precedence.js'
import { type NodeIdentity } from './topology-hints.js'

/** The fields of a service port that decide which endpoints of a slice are its own. */
export type SlicePortIdentity = Pick<ServicePort, 'family' | 'portName' | 'protocol'>

/**
 * The endpoints of one service port, merged over all slices of its Service.
 *
 * One endpoint per `ip:port`. Of two entries that disagree, `endpointPrecedence` decides, then the name of the slice, so that the order
 * in which slices arrive never shows. Sorted by the bytes of `ip:port`, as in kube-proxy.
 *
 * @param onCandidate called for every entry of every slice, also for those that lose against another slice
 */
export function endpointsOf(
  servicePort: SlicePortIdentity,
  slices: Iterable<EndpointSliceObject>,
  node: NodeIdentity,
  onCandidate?: (endpoint: Endpoint, slice: EndpointSliceObject) => void,
): Endpoint[] {
  const merged = new Map<string, Endpoint>()
  for (const slice of [...slices].sort((a, b) => compare(a.name, b.name))) {
    if (slice.family !== servicePort.family) continue
    for (const { port } of matchingPorts(slice, servicePort)) {
      for (const { nodeName: itsNode, ...rest } of slice.endpoints) {
        const endpoint: Endpoint = { ...rest, port, isLocal: node.name !== '' && itsNode === node.name }
        onCandidate?.(endpoint, slice)
        const key = endpointKey(endpoint)
        const known = merged.get(key)
        if (known === undefined || endpointPrecedence(endpoint, node) > endpointPrecedence(known, node))
          merged.set(key, endpoint)
      }
    }
  }
  return [...merged].sort(([a], [b]) => compare(a, b)).map(([, endpoint]) => endpoint)
}

/** The ports of a slice that belong to the service port. */
export function matchingPorts(slice: EndpointSliceObject, servicePort: SlicePortIdentity): ObjectPort[] {
  return slice.ports.filter(({ name, protocol }) => name === servicePort.portName && protocol === servicePort.protocol)
}

/** Order by code units, which for these ASCII texts is the order of their bytes. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
