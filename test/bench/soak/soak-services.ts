import { type BenchService } from '../site/bench-service.js'

/** The addresses of the Pods of the soak, all of which answer, whether they are endpoints of a Service just now or not. */
export const LIVE_IPS: readonly string[] = Array.from({ length: 8 }, (_, n) => `10.244.0.${21 + n}`)
/** A Pod that is there, and where nobody listens. */
export const REFUSING_IP = '10.244.0.41'
/** A Pod that takes every packet and never answers. */
export const SILENT_IP = '10.244.0.42'

/** More addresses of the client, for Services that tell clients apart. */
export const CLIENT_IPS: readonly string[] = Array.from({ length: 8 }, (_, n) => `192.168.60.${11 + n}`)

/** Endpoints that are never taken away, of those Services that keep some. */
export const LASTING_IPS = LIVE_IPS.slice(0, 3)

let services = 0

/** Each Service has a port of the Pods for itself: who answers there knows which Service was asked. */
function soakService(name: string, protocol: BenchService['protocol'], more: Partial<BenchService> = {}): BenchService {
  const n = services++
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
export const KEPT = soakService('kept', 'TCP')
/** A connection for each request. */
export const SHORT = soakService('short', 'TCP')
/** Connections that stay, with much to carry. */
export const STREAM = soakService('stream', 'TCP')
/** Requests from ever new ports: most of the flows end when they have been idle for long enough. */
export const LOOKUP = soakService('lookup', 'UDP')
/** Requests from ports that stay: their flows end when their endpoint is taken away, and begin again with another one. */
export const STEADY = soakService('steady', 'UDP')
/** With ClientIP affinity. */
export const STICKY = soakService('sticky', 'TCP', { endpoints: LASTING_IPS, sessionAffinity: 'ClientIP' })
/** Has endpoints that refuse or are silent, at times no others: its errors are no failures. */
export const DOUBTFUL = soakService('doubtful', 'TCP')
/** Their last endpoint goes, and comes back. */
export const HOLLOW: readonly BenchService[] = [soakService('hollow-tcp', 'TCP'), soakService('hollow-udp', 'UDP')]
/** They come and go as a whole, each time with another name and another address. */
export const PASSING: readonly BenchService[] = [soakService('passing-tcp', 'TCP'), soakService('passing-udp', 'UDP')]

/** Those that are there from the beginning. */
export const STANDING: readonly BenchService[] = [KEPT, SHORT, STREAM, LOOKUP, STEADY, STICKY, DOUBTFUL, ...HOLLOW]
/** Every port of the Pods that somebody answers at. */
export const ANSWERED: readonly BenchService[] = [...STANDING, ...PASSING]

/** The Service that comes in the nth place. It is answered as the one that it is made from. */
export function passingService(base: BenchService, n: number): BenchService {
  return {
    ...base,
    name: `${base.name}-${n}`,
    clusterIP: `10.98.${(n >> 7) & 255}.${2 * (n & 127) + (base.protocol === 'TCP' ? 0 : 1)}`,
  }
}
