import { type BenchService } from '../testbed/bench-service.js'

/** The addresses of the Pods of the soak, all of which answer, whether they are endpoints of a Service just now or not. */
export const LIVE_IPS: readonly string[] = Array.from({ length: 8 }, (_, n) => `10.244.0.${21 + n}`)
/** A Pod that is there, and where nobody listens. */
export const REFUSING_IP = '10.244.0.41'
/** A Pod that takes every packet and never answers. */
export const UNRESPONSIVE_IP = '10.244.0.42'

/** More addresses of the client, for Services that tell clients apart. */
export const CLIENT_IPS: readonly string[] = Array.from({ length: 8 }, (_, n) => `192.168.60.${11 + n}`)

/** Endpoints that are never taken away, of those Services that keep some. */
export const PERMANENT_IPS = LIVE_IPS.slice(0, 3)

let serviceCount = 0

/** Each Service has a port of the Pods for itself: who answers there knows which Service was asked. */
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

/** Connections that stay, with small requests. */
export const PERSISTENT_SERVICE = makeSoakService('persistent', 'TCP')
/** A connection for each request. */
export const SHORT_SERVICE = makeSoakService('short', 'TCP')
/** Connections that stay, with much to carry. */
export const STREAM_SERVICE = makeSoakService('stream', 'TCP')
/** Requests from ever new ports: most of the flows end when they have been idle for long enough. */
export const LOOKUP_SERVICE = makeSoakService('lookup', 'UDP')
/** Requests from ports that stay: their flows end when their endpoint is taken away, and begin again with another one. */
export const FIXED_PORT_SERVICE = makeSoakService('fixed-port', 'UDP')
/** With ClientIP affinity. */
export const AFFINITY_SERVICE = makeSoakService('affinity', 'TCP', {
  endpoints: PERMANENT_IPS,
  sessionAffinity: 'ClientIP',
})
/** Has endpoints that refuse or are silent, at times no others: its errors are no failures. */
export const FAILING_SERVICE = makeSoakService('failing', 'TCP')
/** Their last endpoint goes, and comes back. */
export const EMPTIED_SERVICES: readonly BenchService[] = [
  makeSoakService('hollow-tcp', 'TCP'),
  makeSoakService('hollow-udp', 'UDP'),
]
/** They come and go as a whole, each time with another name and another address. */
export const TEMPORARY_SERVICES: readonly BenchService[] = [
  makeSoakService('passing-tcp', 'TCP'),
  makeSoakService('passing-udp', 'UDP'),
]

/** Those that are there from the beginning. */
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
/** Every port of the Pods that somebody answers at. */
export const ALL_SERVICES: readonly BenchService[] = [...PERMANENT_SERVICES, ...TEMPORARY_SERVICES]

/** The Service that comes in the nth place. It is answered as the one that it is made from. */
export function makeTemporaryService(base: BenchService, n: number): BenchService {
  return {
    ...base,
    name: `${base.name}-${n}`,
    clusterIP: `10.98.${(n >> 7) & 255}.${2 * (n & 127) + (base.protocol === 'TCP' ? 0 : 1)}`,
  }
}
