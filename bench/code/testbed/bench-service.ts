/** A Service of the benchmark, and where its endpoints are. */
export interface BenchService {
  readonly name: string
  readonly clusterIP: string
  readonly port: number
  readonly protocol: 'TCP' | 'UDP'
  readonly targetPort: number
  readonly endpoints: readonly string[]
  /** None when it is not there. */
  readonly sessionAffinity?: 'ClientIP'
}

/** The addresses of the Pods: all of one namespace, so that as many processes run whichever contender is measured. */
export const POD_IPS: readonly string[] = ['10.244.0.2', '10.244.0.3', '10.244.0.4']

/** HTTP, answered with the Pod's address. */
export const HTTP_SERVICE: BenchService = {
  name: 'web',
  clusterIP: '10.96.0.10',
  port: 80,
  protocol: 'TCP',
  targetPort: 8080,
  endpoints: POD_IPS,
}

/** iperf3: one endpoint, since its streams have to come to the server that knows of them. */
export const IPERF3_SERVICE: BenchService = {
  name: 'bulk',
  clusterIP: '10.96.0.11',
  port: 5201,
  protocol: 'TCP',
  targetPort: 5201,
  endpoints: [POD_IPS[0]!],
}

/** sockperf, each datagram answered. */
export const SOCKPERF_SERVICE: BenchService = {
  name: 'echo-udp',
  clusterIP: '10.96.0.12',
  port: 11111,
  protocol: 'UDP',
  targetPort: 11111,
  endpoints: [POD_IPS[0]!],
}

/** HTTP at one Pod, so that it is seen at once when another takes its place. Beside the others, where rules are measured. */
export const CHANGING_SERVICE: BenchService = {
  ...HTTP_SERVICE,
  name: 'canary',
  clusterIP: '10.96.0.13',
  endpoints: [POD_IPS[0]!],
}

/** As `CANARY`, and only there for a while. */
export const TEMPORARY_SERVICE: BenchService = {
  ...HTTP_SERVICE,
  name: 'passing',
  clusterIP: '10.96.0.14',
  endpoints: [POD_IPS[1]!],
}

const LOAD_SERVICES: readonly BenchService[] = [HTTP_SERVICE, IPERF3_SERVICE, SOCKPERF_SERVICE]

/** How large the cluster is that a contender serves. */
export interface ClusterSize {
  /** Services of one port each. */
  readonly services: number
  /** Of each Service that no load uses. */
  readonly endpoints: number
}

/** What most loads run in. */
export const SMALL_CLUSTER: ClusterSize = { services: 10, endpoints: 3 }

/**
 * All Services of a cluster of this size: those that loads use, then others that answer HTTP as `WEB` does. More endpoints
 * than there are Pods are addresses where nobody is.
 */
export function makeServices({ services, endpoints }: ClusterSize): BenchService[] {
  const others = Array.from({ length: Math.max(0, services - LOAD_SERVICES.length) }, (_, n) => ({
    name: `other-${n}`,
    clusterIP: `10.97.${n >> 8}.${n & 255}`,
    port: 80,
    protocol: 'TCP' as const,
    targetPort: 8080,
    endpoints: Array.from({ length: endpoints }, (_, e) => POD_IPS[e] ?? unusedPodIP(n * endpoints + e)),
  }))
  return [...LOAD_SERVICES, ...others]
}

function unusedPodIP(n: number): string {
  return `10.${245 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`
}
