import { type Endpoint } from '../model/endpoint.js'
import { type ServedPort } from '../model/snapshot.js'

/** A service port without some of its usable endpoints; the same object if there are none of those. */
export function withoutEndpoints(served: ServedPort, isLeftOut: (endpoint: Endpoint) => boolean): ServedPort {
  const filter = (endpoints: readonly Endpoint[]): readonly Endpoint[] =>
    endpoints.some(isLeftOut) ? endpoints.filter(endpoint => !isLeftOut(endpoint)) : endpoints
  const { usable } = served
  const [cluster, local] = [filter(usable.cluster), filter(usable.local)]
  if (cluster === usable.cluster && local === usable.local) return served
  return { ...served, usable: { ...usable, cluster, local } }
}
