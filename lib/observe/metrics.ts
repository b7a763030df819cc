import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Counter, type Gauge } from 'prom-client'
import { type DataPlane, type DataPlaneCounts } from '../dataplane/data-plane.js'
import { type IpFamily } from '../model/address.js'
import { ConntrackMetrics } from './conntrack-metrics.js'
import { type Sample } from './data-plane-metric.js'
import { DATA_PLANE_METRICS } from './data-plane-metrics.js'
import { type ProbeObserver } from './health-server.js'
import { MetricRegistry } from './metric-registry.js'
import { ProcessMetrics } from './process-metrics.js'
import { type ModeInUse, registerProgramMetrics } from './program-metrics.js'
import { type HealthEndpoint, SliMetrics } from './sli-metrics.js'
import { SyncMetrics } from './sync-metrics.js'

/** The sources of the values that `Metrics` shows. */
export interface MetricsOptions {
  /** May have metrics of other parts already. */
  readonly registry: MetricRegistry
  /** The IP families that the proxy serves. */
  readonly families: readonly IpFamily[]
  /** Undefined: the kernel carries the traffic, and this process has no counts. */
  readonly dataPlane: Pick<DataPlane, 'counts'> | undefined
  readonly mode: ModeInUse
  /** Changes that no sync has processed yet. */
  readonly pending: () => { readonly services: number; readonly endpoints: number }
  /** Whether each part of the proxy is healthy, by its name; absent: not shown. */
  readonly health?: () => ReadonlyMap<string, boolean>
  /** Milliseconds since the source has made sure that its state is current; absent: not shown. */
  readonly sourceAgeMs?: () => number
  /** How many other proxies of this node have given way to this one and still run; absent: none. */
  readonly standbyProxies?: () => number
  /** Milliseconds since 1970. */
  readonly startedAt: number
  /** The version of this program. */
  readonly version: string
}

/** The lines `# HELP` and `# TYPE`. A metric may have them only once. */
const HEADER_LINES = 2
const MAX_SERIES_PER_TURN = 500

/**
 * All metrics for Prometheus: those of kube-proxy 1.36 under their names, those of the userspace data plane
 * (`kubeproxy_userspace_…`), and those of the processes. docs/metrics.md lists them.
 *
 * No connection and no byte updates a metric. The data plane counts in plain numbers, and a scrape reads them. The series of a
 * removed Service port disappear; if it comes back they start at zero, which Prometheus treats as a restart of the counter.
 */
export class Metrics implements ProbeObserver {
  /** Takes the reports of the sync loop. */
  readonly sync: SyncMetrics
  readonly slis = new SliMetrics()
  readonly #options: MetricsOptions
  readonly #processes: ProcessMetrics
  readonly #conntrack: ConntrackMetrics
  readonly #healthyParts
  readonly #sourceAge
  readonly #standby
  readonly #probes
  /** Holds the metrics that get their values only while they are printed. */
  readonly #dataPlaneRegistry = new MetricRegistry()
  readonly #dataPlaneMetrics
  #scrape: Promise<string> | undefined

  constructor(options: MetricsOptions) {
    this.#options = options
    const { registry, families, pending, startedAt, mode, version } = options
    this.sync = new SyncMetrics({ registry, families, pending, startedAt })
    this.#processes = new ProcessMetrics(registry)
    this.#conntrack = new ConntrackMetrics(registry)
    this.#healthyParts = registry.gauge(
      'kubeproxy_proxy_healthy',
      '1: this part of the proxy is healthy; 0: it is not',
      ['part'],
    )
    this.#sourceAge = registry.gauge(
      'kubeproxy_source_age_seconds',
      'Seconds since the API server has confirmed that the proxy knows the current state',
    )
    this.#standby = registry.gauge(
      'kubeproxy_standby_proxies',
      'Other kube-proxies of this node that have given way to this one and still run',
    )
    const probe = (name: string) =>
      registry.counter(`kubeproxy_proxy_${name}_total`, `Responses of /${name} by HTTP status`, ['code'])
    this.#probes = { healthz: probe('healthz'), livez: probe('livez') }
    for (const code of ['200', '503']) for (const counter of Object.values(this.#probes)) counter.inc({ code }, 0)
    registerProgramMetrics(registry, mode, version)
    this.#dataPlaneMetrics = DATA_PLANE_METRICS.map(metric => {
      const name = `kubeproxy_${metric.name}`
      return { name, metric, instrument: this.#dataPlaneRegistry[metric.type](name, metric.help, metric.labels) }
    })
  }

  /** The HTTP content type of `text`. */
  get contentType(): string {
    return this.#options.registry.contentType
  }

  /** All metrics in Prometheus' text format. Overlapping scrapes share one result. */
  text(): Promise<string> {
    this.#scrape ??= this.#render().finally(() => (this.#scrape = undefined))
    return this.#scrape
  }

  probed(probe: 'healthz' | 'livez', status: number): void {
    this.#probes[probe].inc({ code: String(status) })
  }

  checked(probe: HealthEndpoint, parts: ReadonlyMap<string, boolean>): void {
    this.slis.checked(probe, parts)
  }

  async #render(): Promise<string> {
    const { registry, dataPlane, health = () => new Map(), sourceAgeMs = () => 0 } = this.#options
    const { standbyProxies = () => 0 } = this.#options
    const counts = await dataPlane?.counts()
    this.sync.refresh()
    this.#conntrack.refresh()
    this.#sourceAge.set(sourceAgeMs() / 1000)
    this.#standby.set(standbyProxies())
    for (const [part, healthy] of health()) this.#healthyParts.set({ part }, healthy ? 1 : 0)
    const workers = counts?.workers?.processes ?? []
    await this.#processes.refresh([{ pid: process.pid, worker: undefined }, ...workers])
    const texts = await registry.print()
    if (counts !== undefined) texts.push(...(await this.#renderDataPlane(counts)))
    return texts.join('\n') + '\n'
  }

  async #renderDataPlane(counts: DataPlaneCounts): Promise<string[]> {
    const texts: string[] = []
    for (const { name, metric, instrument } of this.#dataPlaneMetrics)
      texts.push(...(await this.#renderInParts(name, metric.read(counts), instrument)))
    return texts
  }

  /** Printing many thousand series takes tens of milliseconds, so each turn prints some hundred. */
  async #renderInParts(name: string, samples: readonly Sample[], instrument: Counter | Gauge): Promise<string[]> {
    const parts: string[] = []
    for (let start = 0; start === 0 || start < samples.length; start += MAX_SERIES_PER_TURN) {
      instrument.reset()
      // Counters can only increase, so `inc` from zero sets the value.
      for (const { labels, value } of samples.slice(start, start + MAX_SERIES_PER_TURN)) instrument.inc(labels, value)
      const part = await this.#dataPlaneRegistry.registry.getSingleMetricAsString(name)
      parts.push(start === 0 ? part : part.split('\n').slice(HEADER_LINES).join('\n'))
      await nextTurn()
    }
    instrument.reset()
    return parts
  }
}
