import { type ListenerSpec } from '../dataplane/listener-plan.js'
import { type Frontend, type FrontendKind, type TrafficAction } from '../frontends/frontend.js'
import { type IpAddress, type IpFamily, parseIp } from '../model/address.js'
import { parseCidr } from '../model/cidr.js'
import { type EndpointReason } from '../model/endpoint-reason.js'
import { objectKey } from '../model/objects.js'
import { type Protocol } from '../model/protocol.js'
import { BALANCER_NAMES, type ServicePort, type ServicePortKey } from '../model/service-port.js'
import { type ExplainedEndpoint } from '../snapshot/explain-endpoints.js'
import { type ExplainedState, type KnownService, type KnownServices } from './explained-state.js'
import { listenerAt } from './listener-steps.js'

/** A Service port, as the status API of a running proxy describes it. */
export interface StatusService {
  readonly key: ServicePortKey
  readonly namespace: string
  readonly name: string
  readonly portName: string
  readonly protocol: Protocol
  readonly family: IpFamily
  readonly type: string
  readonly clusterIP: IpAddress
  readonly port: number
  readonly nodePort: number | null
  readonly internalTrafficPolicy: string
  readonly externalTrafficPolicy: string | null
  readonly affinitySeconds: number | null
  readonly balancer: string
  readonly sourceRanges: readonly string[] | null
  readonly frontends: readonly StatusFrontend[]
}

/** An address of a Service port. */
export interface StatusFrontend {
  readonly name: string
  readonly kind: FrontendKind
  readonly address: IpAddress | null
  readonly port: number
  readonly fromNode: TrafficAction
  readonly fromPods: TrafficAction
  readonly fromExternal: TrafficAction
  readonly isServed: boolean
  readonly notServed: string | null
}

/** Whether an endpoint serves one kind of traffic. */
export interface StatusVerdict {
  readonly isUsed: boolean
  readonly reason: string
  readonly sentence: string
}

/** One entry of an EndpointSlice, for one Service port. */
export interface StatusEndpoint {
  readonly servicePort: ServicePortKey
  readonly address: string
  readonly slice: string
  readonly isLocal: boolean
  readonly cluster: StatusVerdict
  readonly local: StatusVerdict
  readonly ejection: { readonly isUsedAnyway: boolean } | null
}

/** A socket of the proxy. */
export interface StatusListener {
  readonly servicePort: ServicePortKey
  readonly protocol: Protocol
  readonly address: IpAddress
  readonly port: number | null
  readonly trafficClass: string | null
  readonly holdsNodePort: boolean
  readonly isListening: boolean
}

/** What a running proxy knows, in the items of its status API. */
export interface StatusItems {
  readonly services: readonly StatusService[]
  readonly endpoints: readonly StatusEndpoint[]
  readonly listeners: readonly StatusListener[]
}

/** What a running proxy knows of Services, and the endpoints of each of its sockets. */
export function statusServices(items: StatusItems): Pick<ExplainedState, 'known' | 'findListener'> {
  const ports = new Map(items.services.map(service => [service.key, servicePortOf(service)]))
  const endpoints = new Map<ServicePortKey, StatusEndpoint[]>()
  for (const endpoint of items.endpoints) {
    const ofPort = endpoints.get(endpoint.servicePort)
    if (ofPort === undefined) endpoints.set(endpoint.servicePort, [endpoint])
    else ofPort.push(endpoint)
  }
  const frontends = items.services.flatMap(service => service.frontends.map(each => ({ service, each })))
  const known: KnownServices = {
    services: servicesByName(items.services),
    endpoints: items.endpoints.flatMap(({ address, isLocal }) => {
      const { ip } = hostAndPort(address) ?? {}
      return ip === undefined ? [] : [{ ip, isLocal }]
    }),
    frontends: frontends
      .filter(({ each }) => each.isServed)
      .map(({ service, each }) => frontendOf(each, ports.get(service.key)!)),
    unserved: frontends
      .filter(({ each }) => !each.isServed)
      .map(({ service, each }) => ({
        frontend: frontendOf(each, ports.get(service.key)!),
        why: each.notServed ?? 'unknown',
      })),
    localTraffic: () => undefined,
    explainEndpoints: ({ key }) => ({ endpoints: (endpoints.get(key) ?? []).map(explainedEndpoint) }),
  }
  const specs = items.listeners.flatMap(listener => {
    const port = ports.get(listener.servicePort)
    return port === undefined || listener.port === null
      ? []
      : [listenerSpec(listener, listener.port, port, endpoints.get(listener.servicePort) ?? [])]
  })
  return { known, findListener: arrived => listenerAt(specs, arrived) }
}

function servicesByName(items: readonly StatusService[]): Map<string, KnownService> {
  const services = new Map<string, KnownService>()
  for (const { namespace, name, portName, protocol, port, nodePort, clusterIP, type } of items) {
    const key = objectKey({ namespace, name })
    const before = services.get(key)
    const own = { name: portName, protocol, port, nodePort: nodePort ?? 0 }
    const isKnownPort = before?.ports.some(each => each.name === portName && each.protocol === protocol) === true
    services.set(key, {
      ...{ namespace, name, type, labels: {}, clusterIP: before?.clusterIP ?? clusterIP },
      clusterIPs: [...new Set([...(before?.clusterIPs ?? []), clusterIP])],
      ports: isKnownPort ? before.ports : [...(before?.ports ?? []), own],
    })
  }
  return services
}

function servicePortOf(service: StatusService): ServicePort {
  const { key, family, namespace, name, portName, protocol, clusterIP, port } = service
  const addressesOf = (kind: FrontendKind): IpAddress[] =>
    service.frontends.flatMap(each => (each.kind === kind && each.address !== null ? [each.address] : []))
  return {
    ...{ key, family, namespace, name, portName, protocol, clusterIP, port },
    affinitySeconds: service.affinitySeconds ?? undefined,
    balancer: BALANCER_NAMES.find(each => each === service.balancer) ?? BALANCER_NAMES[0],
    maxConnections: undefined,
    maxConnectionsPerClient: undefined,
    internalPolicyLocal: service.internalTrafficPolicy === 'Local',
    externalPolicyLocal: service.externalTrafficPolicy === 'Local',
    nodePort: service.nodePort ?? 0,
    externalIPs: addressesOf('external IP'),
    loadBalancerIPs: addressesOf('load-balancer IP'),
    sourceRanges: service.sourceRanges?.map(parseCidr).filter(range => range !== undefined),
    rangesAtNodePort: false,
    healthCheckNodePort: 0,
    createdAt: 0,
  }
}

function frontendOf(
  { name, kind, address, port, fromNode, fromPods, fromExternal }: StatusFrontend,
  servicePort: ServicePort,
): Frontend {
  return { name, kind, servicePort, address: address ?? undefined, port, fromNode, fromPods, fromExternal }
}

function explainedEndpoint({ address, slice, cluster, local }: StatusEndpoint): ExplainedEndpoint {
  const verdict = ({ isUsed, reason, sentence }: StatusVerdict) => ({
    isUsed,
    reason: reason as EndpointReason,
    text: sentence,
  })
  return { address, slice, cluster: verdict(cluster), local: verdict(local) }
}

/** Endpoints that failed get no new clients for a while. */
function listenerSpec(
  { protocol, address, trafficClass, holdsNodePort, isListening }: StatusListener,
  port: number,
  servicePort: ServicePort,
  endpoints: readonly StatusEndpoint[],
): ListenerSpec {
  const kind = trafficClass === null || trafficClass.startsWith('cluster') ? 'cluster' : 'local'
  const used = endpoints.filter(endpoint => endpoint[kind].isUsed && (endpoint.ejection?.isUsedAnyway ?? true))
  const { key, namespace, name, portName, affinitySeconds, balancer } = servicePort
  return {
    ...{ key, namespace, service: name, portName, address, port, balancer, holdsNodePort },
    protocol: protocol === 'UDP' ? 'UDP' : 'TCP',
    endpoints: isListening ? used.flatMap(endpoint => hostAndPort(endpoint.address) ?? []) : [],
    affinityMs: affinitySeconds === undefined ? undefined : affinitySeconds * 1000,
    maxConnections: undefined,
    maxConnectionsPerClient: undefined,
    sourceRanges: trafficClass?.endsWith('firewalled') === true ? servicePort.sourceRanges : undefined,
  }
}

/** Reads `10.244.0.5:8080` and `[fd00::5]:8080`. */
function hostAndPort(text: string): { readonly ip: IpAddress; readonly port: number } | undefined {
  const [, inBrackets, plain, port] = /^(?:\[([^\]]+)\]|([\d.]+)):(\d+)$/.exec(text) ?? []
  const ip = parseIp(inBrackets ?? plain)
  return ip === undefined ? undefined : { ip, port: Number(port) }
}
