import { type ObjectKind } from '../model/objects.js'

/** Selects objects of a resource, in the syntax of the API. */
export interface Selector {
  readonly labels?: string
  readonly fields?: string
}

/** A resource to list and watch. */
export interface WatchedResource {
  readonly kind: ObjectKind
  /** Its name in log lines: `services`. */
  readonly name: string
  /** `/api/v1/services` */
  readonly path: string
  /** The best selector first. The next one is used if the server responds with 400. */
  readonly selectors: readonly Selector[]
  /** Whether a 404 ends the list and watch; otherwise it tries again. */
  readonly endsWhenMissing: boolean
}

/** Only DNS resolves headless Services. A large cluster has many of their endpoints, and the proxy does not need them. */
const NOT_HEADLESS = '!service.kubernetes.io/headless'
/** Another proxy serves Services with this label. */
const NOT_OF_ANOTHER_PROXY = '!service.kubernetes.io/service-proxy-name'

/** The APIs for endpoints, the best first. */
export type EndpointsApi = 'discovery.k8s.io/v1' | 'discovery.k8s.io/v1beta1' | 'v1'

/** Services without the headless ones, if the server can filter them (Kubernetes 1.31). Older servers respond with 400. */
export const SERVICES: WatchedResource = {
  kind: 'Service',
  name: 'services',
  path: '/api/v1/services',
  selectors: [
    { labels: `${NOT_OF_ANOTHER_PROXY},${NOT_HEADLESS}`, fields: 'spec.clusterIP!=None' },
    { labels: `${NOT_OF_ANOTHER_PROXY},${NOT_HEADLESS}` },
  ],
  endsWhenMissing: false,
}

/** The Node that this program runs on. */
export function nodeResource(name: string): WatchedResource {
  const selectors = [{ fields: `metadata.name=${name}` }]
  return { kind: 'Node', name: 'nodes', path: '/api/v1/nodes', selectors, endsWhenMissing: false }
}

/** Endpoints, from this API. */
export function endpointsResource(api: EndpointsApi): WatchedResource {
  if (api === 'v1') {
    const selectors = [{ labels: `${NOT_OF_ANOTHER_PROXY},${NOT_HEADLESS}` }]
    return { kind: 'Endpoints', name: 'endpoints', path: '/api/v1/endpoints', selectors, endsWhenMissing: true }
  }
  return {
    kind: 'EndpointSlice',
    name: 'endpointslices',
    path: `/apis/${api}/endpointslices`,
    selectors: [{ labels: NOT_HEADLESS }],
    endsWhenMissing: true,
  }
}
