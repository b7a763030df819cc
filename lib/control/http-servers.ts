import { internalConfiguration } from '../config/internal-configuration.js'
import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { FLAGS } from '../config/options.js'
import { type WorkerProfiles } from '../dataplane/data-plane.js'
import { type Clock } from '../model/clock.js'
import { type ProxyFailure } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { type ServingState, startHealthServer } from '../observe/health-server.js'
import { type HttpListener, type ListenerPlace } from '../observe/http-listener.js'
import { listenAddressesOverlap } from '../observe/listen-address.js'
import { type Metrics } from '../observe/metrics.js'
import { startMetricsServer } from '../observe/metrics-server.js'
import { MovableListener } from '../observe/movable-listener.js'
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
  /**
   * Called if a port could not be bound at the first attempt, with the reason of kube-proxy's event, and whether that was at the start:
   * not for another address.
   */
  readonly onBindFailure: (reason: string, failure: ProxyFailure, isAtStart: boolean) => void
  readonly clock: Clock
  readonly log: Log
}

/** A server that gets another address. */
interface Move {
  readonly server: MovableListener
  readonly from: string
  readonly to: string
}

/** The two HTTP servers of the program: one for health probes, and one for metrics and configuration. */
export class HttpServers {
  readonly #options: HttpServersOptions
  #config: KubeProxyConfig
  /** One change of the ports after the other. */
  readonly #changes = new SerialQueue()
  readonly #profiles: ProcessProfiles | undefined
  readonly #health: MovableListener
  readonly #metrics: MovableListener
  #isStarted = false

  /** Starts them. */
  constructor(options: HttpServersOptions) {
    this.#options = options
    this.#config = options.config
    this.#profiles = options.config.profiling ? new ProcessProfiles(options.workerProfiles, options.clock) : undefined
    this.#health = new MovableListener(this.#config.healthzBindAddress, place => this.#startHealth(place))
    this.#metrics = new MovableListener(this.#config.metricsBindAddress, place => this.#startMetrics(place))
    this.#isStarted = true
  }

  /** The listeners of health probes and of metrics. */
  get listeners(): readonly [HttpListener, HttpListener] {
    return [this.#health.current, this.#metrics.current]
  }

  /**
   * Shows another configuration, and moves each server whose address differs. If a new port is not free, the old one serves.
   * Resolves after the first attempt.
   */
  reconfigure(config: KubeProxyConfig): Promise<void> {
    return this.#changes.run(() => this.#move(config))
  }

  /** Closes both forever. */
  async close(): Promise<void> {
    await Promise.all([this.#health.close(), this.#metrics.close()])
  }

  async #move(config: KubeProxyConfig): Promise<void> {
    this.#config = config
    const targets: readonly (readonly [MovableListener, string])[] = [
      [this.#health, config.healthzBindAddress],
      [this.#metrics, config.metricsBindAddress],
    ]
    const changed = targets.filter(([server, to]) => server.wantedAddress !== to)
    for (const [server] of changed) await server.cancelMove()
    const moves = changed
      .map(([server, to]): Move => ({ server, from: server.address, to }))
      .filter(({ from, to }) => from !== to)
    const isInTheWay = ({ server, from }: Move): boolean =>
      server.isBound && moves.some(({ to }) => listenAddressesOverlap(from, to))
    if (moves.some(isInTheWay)) return this.#exchange(moves)
    for (const { server, to } of moves) await server.moveTo(to)
  }

  /**
   * Moves servers where a new address overlaps an old one, such as 127.0.0.1:10249 and 0.0.0.0:10249: the old port must be closed
   * first. If a new port is not free, all servers return to where they were.
   */
  async #exchange(moves: readonly Move[]): Promise<void> {
    const leave = () => Promise.all(moves.map(({ server }) => server.leave()))
    await leave()
    const failures = await Promise.all(moves.map(({ server, to }) => server.tryAt(to)))
    const failure = failures.find(one => one !== undefined)
    if (failure === undefined) return
    await leave()
    for (const { server, from } of moves) server.serveAt(from)
    // Each further attempt would close the ports again.
    const message = 'Cannot move the HTTP servers; they serve at their old addresses until the next change'
    this.#options.log.error(message, failure, { servingOn: moves.map(({ from }) => from).join(' ') })
    await Promise.all(moves.map(({ server }) => server.current.firstBind))
  }

  #startHealth(place: ListenerPlace): HttpListener {
    const { health, nodeEligible, duties, bindAfter, metrics, clock, log } = this.#options
    const server = startHealthServer({
      ...place,
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

  #startMetrics(place: ListenerPlace): HttpListener {
    const { mode, metrics, bindAfter, startedAt, clock, log } = this.#options
    const server = startMetricsServer({
      ...place,
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
    const isAtStart = !this.#isStarted
    void server.firstBind.then(
      failure => failure !== undefined && this.#options.onBindFailure(reason, failure, isAtStart),
    )
    return server
  }
}
