import { type Endpoint } from './endpoint.js'
import { type ServicePort, type ServicePortKey } from './service-port.js'

/** The usable endpoints of a service port, by kind of traffic (kube-proxy 1.36: CategorizeEndpoints). */
export interface UsableEndpoints {
  /** For traffic that may go to any node. */
  readonly cluster: readonly Endpoint[]
  /** For traffic that must stay on this node. */
  readonly local: readonly Endpoint[]
  /** Whether any endpoint in the cluster can serve: an empty list then means "on other nodes", not "none". */
  readonly hasAny: boolean
}

/** One service port with its endpoints at one moment. */
export interface ServedPort {
  readonly servicePort: ServicePort
  /** All endpoints, merged over slices, sorted by `ip:port`. */
  readonly endpoints: readonly Endpoint[]
  readonly usable: UsableEndpoints
}

/** All service ports at one moment. An unchanged entry is the same object in the next snapshot. */
export interface ServiceSnapshot {
  /** Counts snapshots from 0. */
  readonly generation: number
  readonly ports: ReadonlyMap<ServicePortKey, ServedPort>
}

/** The snapshot before any object has arrived. */
export const EMPTY_SNAPSHOT: ServiceSnapshot = { generation: 0, ports: new Map() }

/** A service port without some of its usable endpoints; the same object if there are none of those. */
export function withoutEndpoints(served: ServedPort, isLeftOut: (endpoint: Endpoint) => boolean): ServedPort {
  const filter = (endpoints: readonly Endpoint[]): readonly Endpoint[] =>
    endpoints.some(isLeftOut) ? endpoints.filter(endpoint => !isLeftOut(endpoint)) : endpoints
  const { usable } = served
  const [cluster, local] = [filter(usable.cluster), filter(usable.local)]
  if (cluster === usable.cluster && local === usable.local) return served
  return { ...served, usable: { ...usable, cluster, local } }
}
