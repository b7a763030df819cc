import { type Clock } from '../model/clock.js'
import { type Log } from '../model/log.js'
import { flagz } from './flagz.js'
import { HttpListener, type ListenerPlace } from './http-listener.js'
import { type HttpRoute, textResponse, type HttpResponse } from './http-port.js'
import { type Metrics } from './metrics.js'
import { type ProfileSource, profileRoutes } from './profile-routes.js'
import { type ProgramStatus, statusz } from './statusz.js'
import { zpageResponse } from './zpage.js'

/** The parts and settings of a metrics server. */
export interface MetricsServerOptions extends ListenerPlace {
  readonly metrics: Pick<Metrics, 'text' | 'contentType' | 'slis'>
  /** The name of the mode in use, such as `userspace`. */
  readonly proxyMode: string
  /** The configuration in use. Every client that reaches the port can read it. */
  readonly configz: () => unknown
  /** The value of each flag. Every client that reaches the port can read it. */
  readonly flags: () => Readonly<Record<string, string | readonly string[]>>
  /** Undefined: the port serves no profiles. */
  readonly profiles: ProfileSource | undefined
  readonly program: Pick<ProgramStatus, 'startedAt' | 'version' | 'nodeVersion'>
  /** As in `HttpListenerOptions`. */
  readonly bindAfter?: Promise<unknown> | undefined
  readonly clock: Clock
  readonly log: Log
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

/** Serves the port for metrics and diagnosis (kube-proxy 1.36, default 127.0.0.1:10249). */
export function startMetricsServer(options: MetricsServerOptions): HttpListener {
  const { metrics, proxyMode, configz, flags, profiles, program, now = Date.now, ...listener } = options
  const { slis } = metrics
  const routes: Map<string, HttpRoute> = new Map<string, HttpRoute>([
    ['/metrics', async () => ({ status: 200, contentType: metrics.contentType, body: await metrics.text() })],
    ['/metrics/slis', async () => ({ status: 200, contentType: slis.contentType, body: await slis.text() })],
    [
      '/healthz',
      ({ query }) => {
        slis.checked('healthz', new Map([['ping', true]]))
        return pingResponse(query)
      },
    ],
    ['/healthz/ping', () => textResponse(200, 'ok')],
    // Without a newline: Kubernetes' end-to-end tests compare the whole body.
    ['/proxyMode', () => textResponse(200, proxyMode)],
    ['/configz', () => ({ status: 200, contentType: 'application/json', body: configzBody(configz()) })],
    ['/flagz', request => zpageResponse(request, flagz(flags()))],
    ['/statusz', request => zpageResponse(request, statusz({ ...program, now: now(), paths: routes.keys() }))],
    ...(profiles === undefined ? [] : profileRoutes(profiles)),
  ])
  return new HttpListener({ ...listener, name: 'metrics', setting: '--metrics-bind-address', routes })
}

function configzBody(config: unknown): string {
  return JSON.stringify({ 'kubeproxy.config.k8s.io': config })
}

/**
 * What `/healthz` of the metrics port answers, as in kube-proxy: its only check is that the process answers at all. The port for
 * health checks says more.
 */
function pingResponse(query: URLSearchParams): HttpResponse {
  if (!query.has('verbose')) return textResponse(200, 'ok')
  const excluded = query.getAll('exclude')
  const unknown = excluded.filter(name => name !== 'ping')
  return textResponse(
    200,
    `[+]ping ${excluded.includes('ping') ? 'excluded: ' : ''}ok\n` +
      (unknown.length === 0
        ? ''
        : `warn: some health checks cannot be excluded: no matches for ${quoteAll(unknown)}\n`) +
      'healthz check passed\n',
  )
}

function quoteAll(names: readonly string[]): string {
  return names.map(name => JSON.stringify(name)).join(', ')
}
