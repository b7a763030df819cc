import { type Clock } from '../model/clock.js'
import { type Log } from '../model/log.js'
import { HttpListener } from './http-listener.js'
import { PLAIN_TEXT, type HttpRoute } from './http-port.js'
import { type Metrics } from './metrics.js'

/** The parts and settings of a metrics server. */
export interface MetricsServerOptions {
  /** `metricsBindAddress`; empty: no server. */
  readonly address: string
  readonly metrics: Pick<Metrics, 'text' | 'contentType'>
  /** The name of the mode in use, such as `userspace`. */
  readonly proxyMode: string
  /** The configuration in use. Every client that reaches the port can read it. */
  readonly configz: () => unknown
  /** As in `HttpListenerOptions`. */
  readonly bindAfter?: Promise<unknown> | undefined
  readonly clock: Clock
  readonly log: Log
}

/** Serves the port for metrics and diagnosis (kube-proxy 1.36, default 127.0.0.1:10249). */
export function startMetricsServer(options: MetricsServerOptions): HttpListener {
  const { address, metrics, proxyMode, configz, bindAfter, clock, log } = options
  const ping = { status: 200, contentType: PLAIN_TEXT, body: 'ok' }
  const routes = new Map<string, HttpRoute>([
    ['/metrics', async () => ({ status: 200, contentType: metrics.contentType, body: await metrics.text() })],
    ['/healthz', () => ping],
    ['/healthz/ping', () => ping],
    // Without a newline: Kubernetes' end-to-end tests compare the whole body.
    ['/proxyMode', () => ({ status: 200, contentType: PLAIN_TEXT, body: proxyMode })],
    ['/configz', () => ({ status: 200, contentType: 'application/json', body: configzBody(configz()) })],
  ])
  return new HttpListener({
    name: 'metrics',
    setting: '--metrics-bind-address',
    address,
    bindAfter,
    routes,
    clock,
    log,
  })
}

function configzBody(config: unknown): string {
  return JSON.stringify({ 'kubeproxy.config.k8s.io': config })
}
