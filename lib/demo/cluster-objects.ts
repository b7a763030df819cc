import { type IpAddress } from '../model/address.js'

/** A port that the containers of a Deployment's Pods listen on. */
export interface ContainerPort {
  /** Empty for an unnamed one. */
  readonly name: string
  readonly containerPort: number
  readonly protocol: 'TCP' | 'UDP'
}

/** What the demo needs to know of a Deployment. */
export interface Deployment {
  readonly name: string
  readonly replicas: number
  readonly image: string
  /** Labels of its Pods. */
  readonly labels: Readonly<Record<string, string>>
  readonly ports: readonly ContainerPort[]
}

export interface DemoServicePort {
  readonly name: string
  readonly port: number
  /** A number, or the name of a container port. */
  readonly targetPort: number | string
  readonly protocol: 'TCP' | 'UDP'
}

/** What the demo needs to know of a Service. */
export interface DemoService {
  readonly name: string
  readonly clusterIP: IpAddress
  readonly selector: Readonly<Record<string, string>>
  readonly affinity: boolean
  readonly ports: readonly DemoServicePort[]
}

/** A running Pod. */
export interface Pod {
  readonly name: string
  readonly ip: IpAddress
  readonly deployment: string
}

/** Whether a Service's selector picks a Deployment's Pods: every label of it is on them. An empty selector picks none. */
export function selects(service: DemoService, deployment: Deployment): boolean {
  const selectorEntries = Object.entries(service.selector)
  return selectorEntries.length > 0 && selectorEntries.every(([key, value]) => deployment.labels[key] === value)
}

/** The number that a Service port leads to in the Pods of a Deployment; undefined: it names a port they do not have. */
export function targetPortOf(port: DemoServicePort, deployment: Deployment): number | undefined {
  if (typeof port.targetPort === 'number') return port.targetPort
  return deployment.ports.find(({ name, protocol }) => name === port.targetPort && protocol === port.protocol)
    ?.containerPort
}

/** The Deployment as `kubectl apply` would take it. */
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

/** The Service as `kubectl apply` would take it. */
export function serviceManifest({ name, clusterIP, selector, affinity, ports }: DemoService): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: {
      clusterIP,
      selector,
      ...(affinity && { sessionAffinity: 'ClientIP' }),
      ports: ports.map(({ name: portName, port, targetPort, protocol }) => ({
        ...(portName !== '' && { name: portName }),
        protocol,
        port,
        targetPort,
      })),
    },
  }
}

/**
 * The EndpointSlices that a cluster's controller would make for a Service: for each Deployment that its selector picks, the
 * Pods that are running, and the port numbers behind its target ports.
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
          conditions: { ready: true },
          targetRef: { kind: 'Pod', name: pod.name },
        })),
    }))
}

/** The endpoints of one Service port as kube-proxy's log writes them: `ip:port`, in the order of their bytes. */
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
      return pods.filter(pod => pod.deployment === deployment.name).map(({ ip }) => `${ip}:${number}`)
    })
  return texts.sort().join(' ')
}
