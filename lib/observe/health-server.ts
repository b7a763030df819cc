import { type Clock } from '../model/clock.js'
import { type Log } from '../model/log.js'
import { HttpListener } from './http-listener.js'
import { type HttpResponse } from './http-port.js'
import { type ProxyHealth, type ProxyHealthStatus } from './proxy-health.js'

/** Counts the responses to probes. */
export interface ProbeObserver {
  /** A probe got a response with this HTTP status. */
  probed(probe: 'healthz' | 'livez', status: number): void
}

/** The parts and settings of a health server. */
export interface HealthServerOptions {
  /** `healthzBindAddress`; empty: no server. */
  readonly address: string
  readonly health: Pick<ProxyHealth, 'statusAt'>
  /** Whether load balancers may send traffic to this node; false while the cluster autoscaler removes it. */
  readonly nodeEligible: () => boolean
  readonly observer: ProbeObserver
  readonly clock: Clock
  readonly log: Log
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

/**
 * Serves the health check port for load balancers and the kubelet (kube-proxy 1.36, default 10256). `/healthz` reports whether
 * this node should get traffic. `/livez` reports whether this process works, whatever happens to the node: the kubelet restarts
 * a container whose `/livez` fails, so it fails only for a problem that a restart may end.
 */
export function startHealthServer(options: HealthServerOptions): HttpListener {
  const { address, health, nodeEligible, observer, clock, log, now = Date.now } = options

  const respond = (probe: 'healthz' | 'livez', eligible: boolean | undefined): HttpResponse => {
    const time = now()
    const status = health.statusAt(time)
    const healthy = probe === 'healthz' ? status.healthy : status.alive
    const isOk = healthy && eligible !== false
    observer.probed(probe, isOk ? 200 : 503)
    return {
      status: isOk ? 200 : 503,
      contentType: 'application/json',
      body: JSON.stringify(buildBody({ ...status, healthy }, time, eligible, isOk)),
    }
  }

  const routes = new Map([
    ['/healthz', () => respond('healthz', nodeEligible())],
    ['/livez', () => respond('livez', undefined)],
  ])
  return new HttpListener({ name: 'healthz', setting: 'healthzBindAddress', address, routes, clock, log })
}

/**
 * kube-proxy's names and order, and `problems` if there are any. A healthy response has the current time as `lastUpdated`, as older
 * clients expect.
 */
function buildBody(status: ProxyHealthStatus, now: number, nodeEligible: boolean | undefined, isOk: boolean): object {
  const families = [...status.families].map(([family, { lastUpdated, healthy }]) => [
    family,
    { lastUpdated: rfc3339(lastUpdated), healthy },
  ])
  return {
    lastUpdated: rfc3339(isOk ? now : status.lastUpdated),
    currentTime: rfc3339(now),
    nodeEligible,
    healthy: status.healthy,
    status: Object.fromEntries(families) as object,
    ...(status.problems.length === 0 ? {} : { problems: status.problems }),
  }
}

function rfc3339(ms: number): string {
  return new Date(ms).toISOString()
}
