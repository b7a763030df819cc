import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type Clock } from '../model/clock.js'
import { messageOf } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { type ServingState, startHealthServer } from '../observe/health-server.js'
import { type HttpListener } from '../observe/http-listener.js'
import { type Metrics } from '../observe/metrics.js'
import { startMetricsServer } from '../observe/metrics-server.js'
import { type ProxyHealth } from '../observe/proxy-health.js'

export interface HttpServersOptions {
  readonly config: KubeProxyConfig
  readonly mode: string
  readonly health: ProxyHealth
  readonly metrics: Metrics
  readonly nodeEligible: () => boolean
  readonly duties: () => ServingState
  /** As in `HttpListenerOptions`. */
  readonly bindAfter?: Promise<unknown> | undefined
  /** Called if a port could not be bound at the first attempt, with the reason and the note of kube-proxy's event. */
  readonly onBindFailure: (reason: string, note: string) => void
  readonly clock: Clock
  readonly log: Log
}

/** Starts the two HTTP servers of the program: one for health probes, and one for metrics and configuration. */
export function startHttpServers(options: HttpServersOptions): readonly HttpListener[] {
  const { config, mode, health, metrics, nodeEligible, duties, bindAfter, onBindFailure, clock, log } = options
  const healthServer = startHealthServer({
    address: config.healthzBindAddress,
    health,
    nodeEligible,
    serving: duties,
    bindAfter,
    observer: metrics,
    clock,
    log,
  })
  const metricsServer = startMetricsServer({
    address: config.metricsBindAddress,
    bindAfter,
    metrics,
    proxyMode: mode,
    configz: () => config,
    clock,
    log,
  })
  for (const [server, reason] of [
    [healthServer, 'FailedToStartProxierHealthcheck'],
    [metricsServer, 'FailedToStartMetricServer'],
  ] as const)
    void server.firstBind.then(failure => failure !== undefined && onBindFailure(reason, messageOf(failure)))
  return [healthServer, metricsServer]
}
