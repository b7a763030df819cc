/** A Service of the benchmark and its endpoints. */
export interface BenchService {
  readonly name: string
  readonly clusterIP: string
  readonly port: number
  readonly protocol: 'TCP' | 'UDP'
  readonly targetPort: number
  readonly endpoints: readonly string[]
  /** Undefined without one. */
  readonly sessionAffinity?: 'ClientIP'
}

/** The addresses of the Pods: all in one namespace, so that the number of processes is the same for every contender. */
export const POD_IPS: readonly string[] = ['10.244.0.2', '10.244.0.3', '10.244.0.4']

/** HTTP; a Pod answers with its address. */
export const HTTP_SERVICE: BenchService = {
  name: 'web',
  clusterIP: '10.96.0.10',
  port: 80,
  protocol: 'TCP',
  targetPort: 8080,
  endpoints: POD_IPS,
}

/** iperf3: one endpoint, because all streams of a test have to reach the same server. */
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

/** HTTP at one Pod, so that a change to another Pod shows at once. Used where rules are measured. */
export const CHANGING_SERVICE: BenchService = {
  ...HTTP_SERVICE,
  name: 'canary',
  clusterIP: '10.96.0.13',
  endpoints: [POD_IPS[0]!],
}

/** Like `CANARY`, but it exists only for a while. */
export const TEMPORARY_SERVICE: BenchService = {
  ...HTTP_SERVICE,
  name: 'passing',
  clusterIP: '10.96.0.14',
  endpoints: [POD_IPS[1]!],
}

const LOAD_SERVICES: readonly BenchService[] = [HTTP_SERVICE, IPERF3_SERVICE, SOCKPERF_SERVICE]

/** The size of the cluster that a contender serves. */
export interface ClusterSize {
  /** Number of Services, each with one port. */
  readonly services: number
  /** Number of endpoints of each Service that no load uses. */
  readonly endpoints: number
}

/** The cluster size of most loads. */
export const SMALL_CLUSTER: ClusterSize = { services: 10, endpoints: 3 }

/**
 * All Services of a cluster of this size: those that loads use, then others that answer HTTP like `WEB`. Endpoints beyond the number
 * of Pods are addresses without a server.
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
