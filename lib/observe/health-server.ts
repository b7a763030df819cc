import { type Clock } from '../model/clock.js'
import { type Log } from '../model/log.js'
import { HttpListener } from './http-listener.js'
import { type HttpResponse } from './http-port.js'
import { type HealthStatus, type ProxierHealth } from './proxier-health.js'

/** Is told how probes were answered. */
export interface ProbeObserver {
  probed(probe: 'healthz' | 'livez', status: number): void
}

/** The parts and settings of a health server. */
export interface HealthServerOptions {
  /** `healthzBindAddress`; empty: no server. */
  readonly address: string
  readonly health: Pick<ProxierHealth, 'statusAt'>
  /** Whether load balancers may send to this node: false while the cluster autoscaler removes it. */
  readonly nodeEligible: () => boolean
  readonly observer: ProbeObserver
  readonly clock: Clock
  readonly log: Log
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

/**
 * The port that load balancers and the kubelet ask (kube-proxy 1.36, default 10256): `/healthz` says whether traffic may
 * be sent to this node, `/livez` whether this process works, no matter what becomes of the node.
 */
export function startHealthServer(options: HealthServerOptions): HttpListener {
  const { address, health, nodeEligible, observer, clock, log, now = Date.now } = options

  const respond = (probe: 'healthz' | 'livez', eligible: boolean | undefined): HttpResponse => {
    const time = now()
    const status = health.statusAt(time)
    const isOk = status.healthy && eligible !== false
    observer.probed(probe, isOk ? 200 : 503)
    return {
      status: isOk ? 200 : 503,
      contentType: 'application/json',
      body: JSON.stringify(buildBody(status, time, eligible, isOk)),
    }
  }

  const routes = new Map([
    ['/healthz', () => respond('healthz', nodeEligible())],
    ['/livez', () => respond('livez', undefined)],
  ])
  return new HttpListener({ name: 'healthz', setting: 'healthzBindAddress', address, routes, clock, log })
}

/** kube-proxy's names and order. A good answer calls the state current, whenever the last sync was: old readers want that. */
function buildBody(status: HealthStatus, now: number, nodeEligible: boolean | undefined, isOk: boolean): object {
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
  }
}

function rfc3339(ms: number): string {
  return new Date(ms).toISOString()
}
