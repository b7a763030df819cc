import { type Clock } from '../model/clock.js'
import { type Log } from '../model/log.js'
import { HttpListener, type ListenerPlace } from './http-listener.js'
import { type HttpResponse } from './http-port.js'
import { type ProxyHealth, type ProxyHealthStatus } from './proxy-health.js'
import { type HealthEndpoint } from './sli-metrics.js'

/** Takes notice of probes, for metrics. */
export interface ProbeObserver {
  /** A probe asked, and each part of the proxy was healthy or not. */
  checked(probe: HealthEndpoint, parts: ReadonlyMap<string, boolean>): void
  /** A probe got a response with this HTTP status. */
  probed(probe: 'healthz' | 'livez', status: number): void
}

/** What the state of the proxy means for load balancers and the kubelet. */
export interface ServingState {
  /** Whether this proxy serves, and its rules are in the kernel. */
  readonly isReady: boolean
  /** Whether this proxy is about to end: load balancers should send clients to other nodes. */
  readonly isLeaving: boolean
}

/** The parts and settings of a health server. */
export interface HealthServerOptions extends ListenerPlace {
  readonly health: Pick<ProxyHealth, 'status' | 'partsHealth'>
  /** Whether load balancers may send traffic to this node; false while the cluster autoscaler removes it. */
  readonly nodeEligible: () => boolean
  readonly serving: () => ServingState
  /** As in `HttpListenerOptions`. */
  readonly bindAfter?: Promise<unknown> | undefined
  readonly observer: ProbeObserver
  readonly clock: Clock
  readonly log: Log
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

/**
 * Serves the health check port for load balancers and the kubelet (kube-proxy 1.36, default 10256). `/healthz` reports whether
 * this node should get traffic: not while the proxy drains. `/readyz` reports whether this process serves. `/livez` reports whether this process works, whatever happens to the node: the kubelet restarts
 * a container whose `/livez` fails, so it fails only for a problem that a restart may end.
 */
export function startHealthServer(options: HealthServerOptions): HttpListener {
  const { health, nodeEligible, serving, observer, now = Date.now, ...listener } = options

  const respond = (probe: HealthEndpoint, eligible: boolean | undefined, fits: boolean): HttpResponse => {
    const { status } = health
    const healthy = probe === 'livez' ? status.alive : status.healthy
    const isOk = healthy && eligible !== false && fits
    observer.checked(probe, health.partsHealth)
    if (probe !== 'readyz') observer.probed(probe, isOk ? 200 : 503)
    const body = { ...buildBody({ ...status, healthy }, now(), eligible, isOk), ...leavingField(probe, serving()) }
    return {
      status: isOk ? 200 : 503,
      contentType: 'application/json',
      body: JSON.stringify(body),
    }
  }

  const routes = new Map([
    ['/healthz', () => respond('healthz', nodeEligible(), !serving().isLeaving)],
    ['/readyz', () => respond('readyz', undefined, serving().isReady)],
    ['/livez', () => respond('livez', undefined, true)],
  ])
  return new HttpListener({ ...listener, name: 'healthz', setting: '--healthz-bind-address', routes })
}

/** Says why a proxy whose rules are healthy fails a probe. A response of kube-proxy has no such field. */
function leavingField(probe: HealthEndpoint, { isLeaving }: ServingState): object {
  return isLeaving && probe !== 'livez' ? { draining: true } : {}
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
