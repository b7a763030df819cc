/** Objects as the API server sends them, with only the fields that a test needs. */

type Json = Record<string, unknown>

export interface ServiceFields {
  readonly name?: string
  readonly namespace?: string
  readonly clusterIP?: string
  readonly ports?: readonly Json[]
  readonly labels?: Json
  readonly annotations?: Json
  readonly spec?: Json
}

export function makeApiService(given: ServiceFields = {}): Json {
  const { name = 'web', namespace = 'default', clusterIP = '10.96.0.10', labels, annotations, spec } = given
  const ports = given.ports ?? [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 8080 }]
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name,
      namespace,
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
    },
    spec: { type: 'ClusterIP', clusterIP, clusterIPs: [clusterIP], ports, ...spec },
  }
}

export interface SliceFields {
  readonly name?: string
  readonly namespace?: string
  readonly service?: string
  readonly addressType?: string
  readonly ports?: readonly Json[]
  readonly endpoints?: readonly Json[]
  readonly triggerTime?: string
}

export function makeApiSlice(given: SliceFields = {}): Json {
  const { name = 'web-1', namespace = 'default', service = 'web', addressType = 'IPv4', triggerTime } = given
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name,
      namespace,
      labels: { 'kubernetes.io/service-name': service },
      ...(triggerTime === undefined
        ? {}
        : { annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': triggerTime } }),
    },
    addressType,
    ports: given.ports ?? [{ name: 'http', protocol: 'TCP', port: 8080 }],
    endpoints: given.endpoints ?? [makeApiEndpoint('10.244.0.5')],
  }
}

export function makeApiEndpoint(address: string, more: Json = {}): Json {
  return { addresses: [address], conditions: { ready: true, serving: true, terminating: false }, ...more }
}

export interface EndpointsFields {
  readonly name?: string
  readonly namespace?: string
  readonly subsets?: readonly Json[]
}

export function makeApiEndpoints(given: EndpointsFields = {}): Json {
  const { name = 'web', namespace = 'default' } = given
  const subsets = given.subsets ?? [
    { addresses: [{ ip: '10.244.0.5' }], ports: [{ name: 'http', port: 8080, protocol: 'TCP' }] },
  ]
  return { apiVersion: 'v1', kind: 'Endpoints', metadata: { name, namespace }, subsets }
}

export function makeApiNode(
  name: string,
  more: { readonly zone?: string; readonly addresses?: readonly Json[] } = {},
): Json {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: more.zone === undefined ? {} : { 'topology.kubernetes.io/zone': more.zone } },
    status: { addresses: more.addresses ?? [{ type: 'InternalIP', address: '192.168.50.1' }] },
  }
}
