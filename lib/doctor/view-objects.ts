import { type IpFamily, IP_FAMILIES } from '../model/address.js'
import { EMPTY_SNAPSHOT } from '../model/snapshot.js'
import { frontendsOf } from '../frontends/frontend.js'
import { buildSnapshot } from '../snapshot/build-snapshot.js'
import { explainEndpoints } from '../snapshot/explain-endpoints.js'
import { ObjectStore } from '../snapshot/object-store.js'
import { endpointViews } from '../status/endpoint-view.js'
import { serviceViewer } from '../status/service-view.js'
import { type PortFacts } from './doctor-facts.js'

/** Raw objects of one Service. */
export interface RawObjects {
  readonly services: readonly unknown[]
  readonly slices: readonly unknown[]
  readonly endpoints: readonly unknown[]
  readonly nodes: readonly unknown[]
}

/** The views that a proxy of this node would give of the objects, if it served each address. */
export function viewObjects({ services, slices, endpoints, nodes }: RawObjects, nodeName: string): PortFacts {
  const store = new ObjectStore(nodeName)
  store.replace('Service', services)
  store.replace('EndpointSlice', slices)
  store.replace('Endpoints', endpoints)
  store.replace('Node', nodes)
  const families: readonly IpFamily[] = IP_FAMILIES
  const all = { services: new Set(store.services.keys()), endpoints: new Set<string>(), node: true }
  const scope = { nodeName, families, rangesAtNodePorts: false }
  const ports = [...buildSnapshot(store, all, scope, EMPTY_SNAPSHOT).ports.values()]
  const view = serviceViewer({ frontendsOf, served: ports.flatMap(frontendsOf), conflicts: [] })
  const node = { name: nodeName, zone: store.node?.zone ?? '' }
  return {
    ports: ports.map(view),
    endpoints: ports.flatMap(({ servicePort }) => {
      const slicesOfService = store.slicesOf(`${servicePort.namespace}/${servicePort.name}`)
      return endpointViews(servicePort, explainEndpoints(servicePort, slicesOfService, node), () => undefined)
    }),
  }
}
