import { type ObjectKind } from '../model/objects.js'

/** Which objects of a resource are wanted, in the syntax of the API. */
export interface Selector {
  readonly labels?: string
  readonly fields?: string
}

/** One resource to follow. */
export interface WatchedResource {
  readonly kind: ObjectKind
  /** Its name for readers of the log: `services`. */
  readonly name: string
  /** `/api/v1/services` */
  readonly path: string
  /** The first one that the server does not answer with 400 is used. */
  readonly selectors: readonly Selector[]
  /** Whether 404 means that it has to be looked for elsewhere; otherwise it is asked for again. */
  readonly endsWhenMissing: boolean
}

/** Headless Services are resolved by DNS alone; their endpoints are most of what a large cluster has, and of no use here. */
const NOT_HEADLESS = '!service.kubernetes.io/headless'
/** Such Services are served by another proxy. */
const NOT_OF_ANOTHER_PROXY = '!service.kubernetes.io/service-proxy-name'

/** Where endpoints can be read from, best first. */
export type EndpointsApi = 'discovery.k8s.io/v1' | 'discovery.k8s.io/v1beta1' | 'v1'

/** Headless Services are left out by the server where it can (Kubernetes 1.31); those before answer 400. */
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

/** The one Node we run on. */
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
