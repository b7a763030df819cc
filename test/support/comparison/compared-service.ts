import { makeApiService, makeApiSlice } from '../api/api-objects.js'
import { type ApiObject, type Resource } from '../api/api-server.js'
import { NODE_IP } from '../nodes/node-network.js'

type Json = Record<string, unknown>

/** The kinds of addresses of a Service. */
export type AddressKind =
  | 'cluster IP'
  | 'external IP'
  | 'load-balancer IP'
  | 'node port'
  /** The NodePort at the node's address on the Pod bridge. */
  | 'node port at the bridge address'
  | 'node port on loopback'
  | 'unserved port'

export interface ComparedAddress {
  readonly kind: AddressKind
  readonly ip: string
  readonly port: number
  readonly protocol: 'tcp' | 'udp' | 'sctp'
}

/** A Service that both proxies have to serve in the same way. */
export interface ComparedService {
  /** What is special about it. */
  readonly name: string
  readonly objects: readonly (readonly [Resource, ApiObject])[]
  readonly addresses: readonly ComparedAddress[]
  readonly hasAffinity: boolean
}

export interface PortDefinition {
  readonly name: string
  readonly port: number
  readonly protocol?: 'TCP' | 'UDP' | 'SCTP'
  readonly targetPort?: number | string
}

/** The properties of a Service; missing ones have the usual value. */
export interface ServiceDefinition {
  readonly name: string
  readonly labels?: Json
  readonly spec?: Json
  readonly ports?: readonly PortDefinition[]
  /** One list per slice. */
  readonly endpoints: readonly (readonly Json[])[]
  /** The target port of each slice; without it that of the ports. */
  readonly sliceTargets?: readonly number[]
  readonly externalIPs?: readonly string[]
  readonly ingress?: readonly Json[]
  readonly nodePort?: number
  /** The year of creation; of two Services with one address, the older one is served. */
  readonly createdYear?: number
}

/** The default port of a Service. */
export const WEB_PORT: PortDefinition = { name: 'http', port: 80, targetPort: 8080 }

/**
 * Makes a Service, by default of type LoadBalancer, with its slices and all addresses to test.
 *
 * @param number unique, from 1 to 99: part of its addresses
 */
export function makeComparedService(definition: ServiceDefinition, number: number): ComparedService {
  const name = `s${number}`
  const { spec = {}, ports: defined = [WEB_PORT], labels = {} } = definition
  const { type = 'LoadBalancer' } = spec
  const hasNodePort = type === 'LoadBalancer' || type === 'NodePort'
  const externalIPs = definition.externalIPs ?? [`203.0.113.${number}`]
  const { ingress = [{ ip: `198.51.100.${number}` }] } = definition
  const firstNodePort = definition.nodePort ?? 30_000 + 10 * number
  const ports = defined.map(({ name, port, protocol = 'TCP', targetPort = port }, n) => {
    const nodePort = hasNodePort && firstNodePort > 0 ? { nodePort: firstNodePort + n } : {}
    return { name, port, protocol, targetPort, ...nodePort }
  })
  const clusterIP = `10.96.0.${number}`
  const service = makeApiService({ name, clusterIP, labels, ports, spec: { type, externalIPs, ...spec } })
  const creationTimestamp = `${definition.createdYear ?? 2022}-01-01T00:00:00Z`
  const status = type === 'LoadBalancer' ? { status: { loadBalancer: { ingress } } } : {}
  const slices = definition.endpoints.map((endpoints, n) => ({
    ...makeApiSlice({
      name: `${name}-${n}`,
      service: name,
      endpoints,
      ports: ports.map(({ name, protocol, targetPort }) => ({
        name,
        protocol,
        port: definition.sliceTargets?.[n] ?? targetPort,
      })),
    }),
    apiVersion: 'discovery.k8s.io/v1beta1',
  }))
  const lbIPs = type === 'LoadBalancer' ? ingress.map(({ ip }) => ip).filter(ip => typeof ip === 'string') : []
  const addresses = ports.flatMap(port => {
    const protocol = port.protocol.toLowerCase() as 'tcp'
    const at = (kind: AddressKind, ip: string, number = port.port) => ({ kind, ip, port: number, protocol })
    return [
      at('cluster IP', clusterIP),
      at('unserved port', clusterIP, 81),
      ...externalIPs.map(ip => at('external IP', ip)),
      ...lbIPs.map(ip => at('load-balancer IP', ip)),
      ...(port.nodePort === undefined
        ? []
        : [
            at('node port', NODE_IP, port.nodePort),
            at('node port at the bridge address', '10.244.0.1', port.nodePort),
            at('node port on loopback', '127.0.0.1', port.nodePort),
          ]),
    ]
  })
  const stored = { ...service, metadata: { ...(service['metadata'] as ApiObject['metadata']), creationTimestamp } }
  return {
    name: definition.name,
    objects: [
      ['services', { ...stored, ...status }],
      ...slices.map(slice => ['endpointslices', slice as unknown as ApiObject] as const),
    ],
    addresses,
    hasAffinity: spec['sessionAffinity'] === 'ClientIP',
  }
}
