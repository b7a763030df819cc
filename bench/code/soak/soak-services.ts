import { type BenchService } from '../testbed/bench-service.js'

/** The addresses of the Pods of the soak. All of them answer, even while they are no endpoints. */
export const LIVE_IPS: readonly string[] = Array.from({ length: 8 }, (_, n) => `10.244.0.${21 + n}`)
/** A Pod in which no process listens. */
export const REFUSING_IP = '10.244.0.41'
/** A Pod that accepts every packet and never answers. */
export const UNRESPONSIVE_IP = '10.244.0.42'

/** More addresses of the client, for Services with session affinity. */
export const CLIENT_IPS: readonly string[] = Array.from({ length: 8 }, (_, n) => `192.168.60.${11 + n}`)

/** Endpoints that are never removed, for Services that keep some. */
export const PERMANENT_IPS = LIVE_IPS.slice(0, 3)

let serviceCount = 0

/** Each Service has its own target port: by the port a Pod knows which Service the client used. */
function makeSoakService(
  name: string,
  protocol: BenchService['protocol'],
  more: Partial<BenchService> = {},
): BenchService {
  const n = serviceCount++
  return {
    name,
    clusterIP: `10.96.1.${n + 1}`,
    port: protocol === 'TCP' ? 80 : 53,
    protocol,
    targetPort: 9000 + n,
    endpoints: LIVE_IPS.slice(0, 3),
    ...more,
  }
}

/** Persistent connections with small requests. */
export const PERSISTENT_SERVICE = makeSoakService('persistent', 'TCP')
/** One connection per request. */
export const SHORT_SERVICE = makeSoakService('short', 'TCP')
/** Persistent connections with much data. */
export const STREAM_SERVICE = makeSoakService('stream', 'TCP')
/** Requests from new ports: most of the flows end by the idle timeout. */
export const LOOKUP_SERVICE = makeSoakService('lookup', 'UDP')
/** Requests from fixed ports: when an endpoint is removed, its flows end and start again with another endpoint. */
export const FIXED_PORT_SERVICE = makeSoakService('fixed-port', 'UDP')
/** With ClientIP affinity. */
export const AFFINITY_SERVICE = makeSoakService('affinity', 'TCP', {
  endpoints: PERMANENT_IPS,
  sessionAffinity: 'ClientIP',
})
/** Has endpoints that refuse or stay silent, sometimes only those: its errors are no failures. */
export const FAILING_SERVICE = makeSoakService('failing', 'TCP')
/** Services whose last endpoint is removed and added again. */
export const EMPTIED_SERVICES: readonly BenchService[] = [
  makeSoakService('hollow-tcp', 'TCP'),
  makeSoakService('hollow-udp', 'UDP'),
]
/** Services that are created and deleted, each time with a new name and address. */
export const TEMPORARY_SERVICES: readonly BenchService[] = [
  makeSoakService('passing-tcp', 'TCP'),
  makeSoakService('passing-udp', 'UDP'),
]

/** The Services that exist from the start. */
export const PERMANENT_SERVICES: readonly BenchService[] = [
  PERSISTENT_SERVICE,
  SHORT_SERVICE,
  STREAM_SERVICE,
  LOOKUP_SERVICE,
  FIXED_PORT_SERVICE,
  AFFINITY_SERVICE,
  FAILING_SERVICE,
  ...EMPTIED_SERVICES,
]
/** All ports on which Pods answer. */
export const ALL_SERVICES: readonly BenchService[] = [...PERMANENT_SERVICES, ...TEMPORARY_SERVICES]

/** The nth temporary Service. Pods answer with the name of the Service from which it is made. */
export function makeTemporaryService(base: BenchService, n: number): BenchService {
  return {
    ...base,
    name: `${base.name}-${n}`,
    clusterIP: `10.98.${(n >> 7) & 255}.${2 * (n & 127) + (base.protocol === 'TCP' ? 0 : 1)}`,
  }
}
