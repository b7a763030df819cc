import { type IpAddress } from '../model/address.js'

/** A port on which containers of a Deployment's Pods listen. */
export interface ContainerPort {
  /** Empty if the port has no name. */
  readonly name: string
  readonly containerPort: number
  readonly protocol: 'TCP' | 'UDP'
}

/** The fields of a Deployment that the demo uses. */
export interface Deployment {
  readonly name: string
  readonly replicas: number
  readonly image: string
  /** Labels of the Pods. */
  readonly labels: Readonly<Record<string, string>>
  readonly ports: readonly ContainerPort[]
}

/** The fields of a Service port that the demo uses. */
export interface DemoServicePort {
  readonly name: string
  readonly port: number
  /** A number, or the name of a container port. */
  readonly targetPort: number | string
  readonly protocol: 'TCP' | 'UDP'
  readonly nodePort?: number
}

/** The fields of a Service that the demo uses. */
export interface DemoService {
  readonly name: string
  readonly clusterIP: IpAddress
  readonly selector: Readonly<Record<string, string>>
  readonly affinity: boolean
  readonly ports: readonly DemoServicePort[]
  /** More fields of its spec, as in a manifest. */
  readonly spec?: Readonly<Record<string, unknown>> | undefined
  /** Its status, as in a manifest. */
  readonly status?: Readonly<Record<string, unknown>> | undefined
  /** The Node of its Pods, as its EndpointSlices name it. */
  readonly nodeName?: string | undefined
}

/** A running Pod. */
export interface Pod {
  readonly name: string
  readonly ip: IpAddress
  readonly deployment: string
  /** False: its readiness probe fails. */
  readonly isReady?: boolean
}

/** Whether a Service selects the Pods of a Deployment: they have all labels of its selector. An empty selector selects no Pods. */
export function selects(service: DemoService, deployment: Deployment): boolean {
  const selectorEntries = Object.entries(service.selector)
  return selectorEntries.length > 0 && selectorEntries.every(([key, value]) => deployment.labels[key] === value)
}

/** The target port number of a Service port in the Pods of a Deployment; undefined if they have no port of that name. */
export function targetPortOf(port: DemoServicePort, deployment: Deployment): number | undefined {
  if (typeof port.targetPort === 'number') return port.targetPort
  return deployment.ports.find(({ name, protocol }) => name === port.targetPort && protocol === port.protocol)
    ?.containerPort
}

/** The Deployment as a manifest for `kubectl apply`. */
export function deploymentManifest({ name, replicas, image, labels, ports }: Deployment): object {
  const container = {
    name: name.replace(/-deployment$/, ''),
    image,
    ports: ports.map(port => ({
      ...(port.name !== '' && { name: port.name }),
      containerPort: port.containerPort,
      ...(port.protocol !== 'TCP' && { protocol: port.protocol }),
    })),
  }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels: { ...labels } },
    spec: {
      replicas,
      selector: { matchLabels: { ...labels } },
      template: { metadata: { labels: { ...labels } }, spec: { containers: [container] } },
    },
  }
}

/** The Service as a manifest for `kubectl apply`. */
export function serviceManifest({ name, clusterIP, selector, affinity, ports, spec, status }: DemoService): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: {
      clusterIP,
      selector,
      ...(affinity && { sessionAffinity: 'ClientIP' }),
      ports: ports.map(({ name: portName, port, targetPort, protocol, nodePort }) => ({
        ...(portName !== '' && { name: portName }),
        protocol,
        port,
        targetPort,
        ...(nodePort !== undefined && { nodePort }),
      })),
      ...spec,
    },
    ...(status !== undefined && { status }),
  }
}

/**
 * The EndpointSlices that the EndpointSlice controller of a cluster would create for a Service: one for each Deployment that the
 * Service selects, with its running Pods and the numbers of the target ports.
 */
export function endpointSliceManifests(
  service: DemoService,
  deployments: readonly Deployment[],
  pods: readonly Pod[],
): object[] {
  return deployments
    .filter(deployment => selects(service, deployment))
    .map(deployment => ({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        name: `${service.name}-${deployment.name}`,
        labels: { 'kubernetes.io/service-name': service.name },
      },
      addressType: 'IPv4',
      ports: service.ports.flatMap(port => {
        const number = targetPortOf(port, deployment)
        return number === undefined ? [] : [{ name: port.name, protocol: port.protocol, port: number }]
      }),
      endpoints: pods
        .filter(pod => pod.deployment === deployment.name)
        .map(pod => ({
          addresses: [pod.ip],
          conditions: { ready: pod.isReady !== false },
          ...(service.nodeName !== undefined && { nodeName: service.nodeName }),
          targetRef: { kind: 'Pod', name: pod.name },
        })),
    }))
}

/** The endpoints of one Service port as kube-proxy logs them: `ip:port`, sorted by bytes. */
export function formatEndpoints(
  service: DemoService,
  port: DemoServicePort,
  deployments: readonly Deployment[],
  pods: readonly Pod[],
): string {
  const texts = deployments
    .filter(deployment => selects(service, deployment))
    .flatMap(deployment => {
      const number = targetPortOf(port, deployment)
      if (number === undefined) return []
      return pods
        .filter(pod => pod.deployment === deployment.name && pod.isReady !== false)
        .map(({ ip }) => `${ip}:${number}`)
    })
  return texts.sort().join(' ')
}
