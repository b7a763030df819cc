import { internalConfiguration } from '../config/internal-configuration.js'
import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { FLAGS } from '../config/options.js'
import { type WorkerProfiles } from '../dataplane/data-plane.js'
import { type Clock } from '../model/clock.js'
import { type ProxyFailure } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { type ServingState, startHealthServer } from '../observe/health-server.js'
import { type HttpListener } from '../observe/http-listener.js'
import { type Metrics } from '../observe/metrics.js'
import { startMetricsServer } from '../observe/metrics-server.js'
import { type ProxyHealth } from '../observe/proxy-health.js'
import { SerialQueue } from '../primitives/serial-queue.js'
import { ProcessProfiles } from './process-profiles.js'
import { VERSION } from './version.js'

export interface HttpServersOptions {
  readonly config: KubeProxyConfig
  readonly mode: string
  readonly health: ProxyHealth
  readonly metrics: Metrics
  /** Undefined if there are no workers. */
  readonly workerProfiles?: WorkerProfiles | undefined
  /** When this process was started, in milliseconds since 1970. */
  readonly startedAt: number
  readonly nodeEligible: () => boolean
  readonly duties: () => ServingState
  /** As in `HttpListenerOptions`. */
  readonly bindAfter?: Promise<unknown> | undefined
  /** Called if a port could not be bound at the first attempt, with the reason of kube-proxy's event. */
  readonly onBindFailure: (reason: string, failure: ProxyFailure) => void
  readonly clock: Clock
  readonly log: Log
}

/** The two HTTP servers of the program: one for health probes, and one for metrics and configuration. */
export class HttpServers {
  readonly #options: HttpServersOptions
  #config: KubeProxyConfig
  #isClosed = false
  /** One change of the ports after the other. */
  readonly #changes = new SerialQueue()
  readonly #profiles: ProcessProfiles | undefined
  #health: HttpListener
  #metrics: HttpListener

  /** Starts them. */
  constructor(options: HttpServersOptions) {
    this.#options = options
    this.#config = options.config
    this.#profiles = options.config.profiling ? new ProcessProfiles(options.workerProfiles, options.clock) : undefined
    this.#health = this.#startHealth()
    this.#metrics = this.#startMetrics()
  }

  /** The listeners of health probes and of metrics. */
  get listeners(): readonly [HttpListener, HttpListener] {
    return [this.#health, this.#metrics]
  }

  /** Shows another configuration, and moves each server whose address differs. */
  reconfigure(config: KubeProxyConfig): Promise<void> {
    return this.#changes.run(() => this.#move(config))
  }

  /** Closes both forever. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#changes.run(() => Promise.all(this.listeners.map(listener => listener.close())))
  }

  async #move(config: KubeProxyConfig): Promise<void> {
    const before = this.#config
    this.#config = config
    if (config.healthzBindAddress !== before.healthzBindAddress)
      this.#health = await this.#replace(this.#health, () => this.#startHealth())
    if (config.metricsBindAddress !== before.metricsBindAddress)
      this.#metrics = await this.#replace(this.#metrics, () => this.#startMetrics())
  }

  async #replace(listener: HttpListener, start: () => HttpListener): Promise<HttpListener> {
    await listener.close()
    // A proxy that has given way, perhaps a moment ago, must not take the ports of its successor.
    return this.#isClosed ? listener : start()
  }

  #startHealth(): HttpListener {
    const { health, nodeEligible, duties, bindAfter, metrics, clock, log } = this.#options
    const server = startHealthServer({
      address: this.#config.healthzBindAddress,
      health,
      nodeEligible,
      serving: duties,
      bindAfter,
      observer: metrics,
      clock,
      log,
    })
    return this.#watchBind(server, 'FailedToStartProxierHealthcheck')
  }

  #startMetrics(): HttpListener {
    const { mode, metrics, bindAfter, startedAt, clock, log } = this.#options
    const server = startMetricsServer({
      address: this.#config.metricsBindAddress,
      bindAfter,
      metrics,
      proxyMode: mode,
      configz: () => internalConfiguration(this.#config, mode),
      flags: () => Object.fromEntries(FLAGS.map(({ name }) => [name, this.#config.options[name] ?? ''])),
      profiles: this.#profiles,
      program: { startedAt, version: VERSION, nodeVersion: process.version },
      clock,
      log,
    })
    return this.#watchBind(server, 'FailedToStartMetricServer')
  }

  #watchBind(server: HttpListener, reason: string): HttpListener {
    void server.firstBind.then(failure => failure !== undefined && this.#options.onBindFailure(reason, failure))
    return server
  }
}
