import { setImmediate as nextTurn } from 'node:timers/promises'
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import { type DataPlane, type DataPlaneCounts } from '../dataplane/data-plane.js'
import { type IpFamily } from '../model/address.js'
import { DATA_PLANE_METRICS, type Sample } from './data-plane-metrics.js'
import { type ProbeObserver } from './health-server.js'
import { type RuleCounts, type SyncObserver } from './sync-observer.js'

/** The mode in use, and why the modes that were preferred to it are not. */
export interface ModeInUse {
  readonly mode: string
  readonly rejected: readonly { readonly mode: string; readonly reason: string }[]
}

/** The sources of the values that `Metrics` shows. */
export interface MetricsOptions {
  /** Undefined: the kernel carries the traffic, and this process has no counts. */
  readonly dataPlane: Pick<DataPlane, 'counts'> | undefined
  readonly mode: ModeInUse
  /** Changes that no sync has processed yet. */
  readonly pending: () => { readonly services: number; readonly endpoints: number }
  /** Whether each part of the proxy is healthy, by its name; absent: not shown. */
  readonly health?: () => ReadonlyMap<string, boolean>
  /** Milliseconds since the source has made sure that its state is current; absent: not shown. */
  readonly sourceAgeMs?: () => number
  /** Milliseconds since 1970. */
  readonly startedAt: number
  /** The version of this program. */
  readonly version: string
}

const PREFIX = 'kubeproxy_'

/** The lines `# HELP` and `# TYPE`. A metric may have them only once. */
const HEADER_LINES = 2
const MAX_SERIES_PER_TURN = 500

/**
 * Milliseconds between samples of the event loop's delay; the samples contain this time. With prom-client's 10 ms they would cost
 * 0.5 % of a CPU at rest, more than everything else.
 */
const EVENT_LOOP_SAMPLE_MS = 100

const FAMILY_LABELS = ['ip_family']
const RULE_LABELS = ['table', 'ip_family']

/** 1 ms … 16.384 s (kube-proxy 1.36). */
const SYNC_BUCKETS = Array.from({ length: 15 }, (_, i) => 0.001 * 2 ** i)
/** 0.25 s … 5 min, with small steps around the scalability goal (kube-proxy 1.36). */
const PROGRAMMING_BUCKETS = [0.25, 0.5, ...steps(1, 1, 59), ...steps(60, 5, 12), ...steps(120, 30, 7)]

/**
 * All metrics for Prometheus: those of kube-proxy 1.36 under their names (`kubeproxy_…`), those of the userspace data plane
 * (`kubeproxy_userspace_…`), and those of the process.
 *
 * No connection and no byte updates a metric. The data plane counts in plain numbers, and a scrape reads them. The series of a
 * removed Service port disappear; if it comes back they start at zero, which Prometheus treats as a restart of the counter.
 */
export class Metrics implements SyncObserver, ProbeObserver {
  readonly #registry = new Registry()
  /** Holds the metrics that get their values only while they are printed. */
  readonly #dataPlaneRegistry = new Registry()
  readonly #startedAt: number
  readonly #dataPlane: MetricsOptions['dataPlane']
  readonly #pending: MetricsOptions['pending']
  readonly #health: () => ReadonlyMap<string, boolean>
  readonly #sourceAgeMs: () => number
  #scrape: Promise<string> | undefined

  readonly #syncDuration = this.#histogram(
    'sync_proxy_rules_duration_seconds',
    'Duration of a sync of rules',
    SYNC_BUCKETS,
  )
  readonly #lastSync = this.#gauge(
    'sync_proxy_rules_last_timestamp_seconds',
    'When rules were last synced',
    FAMILY_LABELS,
  )
  readonly #lastQueued = this.#gauge(
    'sync_proxy_rules_last_queued_timestamp_seconds',
    'When a sync of rules was last requested',
    FAMILY_LABELS,
  )
  readonly #programmingDuration = this.#histogram(
    'network_programming_duration_seconds',
    'Time from a change of a Pod or Service to the end of the sync with this change',
    PROGRAMMING_BUCKETS,
  )
  readonly #serviceChanges = this.#counter('sync_proxy_rules_service_changes_total', 'Changes of Services')
  readonly #endpointChanges = this.#counter('sync_proxy_rules_endpoint_changes_total', 'Changes of endpoints')
  readonly #servicesPending = this.#gauge(
    'sync_proxy_rules_service_changes_pending',
    'Changes of Services that no sync has processed yet',
  )
  readonly #endpointsPending = this.#gauge(
    'sync_proxy_rules_endpoint_changes_pending',
    'Changes of endpoints that no sync has processed yet',
  )
  readonly #restoreFailures = this.#counter(
    'sync_proxy_rules_iptables_restore_failures_total',
    'Failed writes of iptables rules',
    FAMILY_LABELS,
  )
  readonly #rulesOwned = this.#gauge(
    'sync_proxy_rules_iptables_total',
    'iptables rules that this proxy owns',
    RULE_LABELS,
  )
  readonly #rulesWritten = this.#gauge(
    'sync_proxy_rules_iptables_last',
    'iptables rules in the last write',
    RULE_LABELS,
  )
  readonly #healthyParts = this.#gauge('proxy_healthy', '1: this part of the proxy is healthy; 0: it is not', ['part'])
  readonly #sourceAge = this.#gauge(
    'source_age_seconds',
    'Seconds since the API server has confirmed that the proxy knows the current state',
  )
  readonly #probes = {
    healthz: this.#counter('proxy_healthz_total', 'Responses of /healthz by HTTP status', ['code']),
    livez: this.#counter('proxy_livez_total', 'Responses of /livez by HTTP status', ['code']),
  }

  readonly #dataPlaneMetrics = DATA_PLANE_METRICS.map(metric => {
    const { type, name, help, labels } = metric
    const registry = this.#dataPlaneRegistry
    const instrument =
      type === 'counter' ? this.#counter(name, help, labels, registry) : this.#gauge(name, help, labels, registry)
    return [metric, instrument] as const
  })

  constructor(options: MetricsOptions) {
    const { dataPlane, mode, pending, health = () => new Map(), sourceAgeMs = () => 0, startedAt, version } = options
    this.#dataPlane = dataPlane
    this.#pending = pending
    this.#health = health
    this.#sourceAgeMs = sourceAgeMs
    this.#startedAt = startedAt
    for (const code of ['200', '503']) for (const probe of Object.values(this.#probes)) probe.inc({ code }, 0)
    // Not kubernetes_build_info: monitoring compares its git_version between components, and would report a mismatch.
    this.#gauge('build_info', 'Version of this program', ['version', 'node_version', 'platform']).set(
      { version, node_version: process.version, platform: `${process.platform}/${process.arch}` },
      1,
    )
    const modes = this.#gauge(
      'proxy_mode',
      '1: the mode in use; 0: a preferred mode that this node does not support, with the reason',
      ['mode', 'reason'],
    )
    modes.set({ mode: mode.mode, reason: '' }, 1)
    for (const { mode: name, reason } of mode.rejected) modes.set({ mode: name, reason }, 0)
    collectDefaultMetrics({ register: this.#registry, eventLoopMonitoringPrecision: EVENT_LOOP_SAMPLE_MS })
  }

  /** The HTTP content type of `text`. */
  get contentType(): string {
    return this.#registry.contentType
  }

  /** All metrics in Prometheus' text format. Overlapping scrapes share one result. */
  text(): Promise<string> {
    this.#scrape ??= this.#render().finally(() => (this.#scrape = undefined))
    return this.#scrape
  }

  queued(family: IpFamily, at: number): void {
    this.#lastQueued.set({ ip_family: family }, at / 1000)
  }

  changed(services: number, endpoints: number): void {
    this.#serviceChanges.inc(services)
    this.#endpointChanges.inc(endpoints)
  }

  synced(family: IpFamily, at: number, durationMs: number, triggerTimes: readonly number[]): void {
    const labels = { ip_family: family }
    this.#syncDuration.observe(labels, durationMs / 1000)
    this.#lastSync.set(labels, at / 1000)
    // Creates the series at 0 with the first sync, so that Prometheus sees the first failure as an increase.
    this.#restoreFailures.inc(labels, 0)
    for (const trigger of triggerTimes) {
      // Changes from before the start waited for this process to start.
      if (trigger > this.#startedAt) this.#programmingDuration.observe(labels, Math.max(0, at - trigger) / 1000)
    }
  }

  rulesWritten(family: IpFamily, counts: readonly RuleCounts[]): void {
    for (const { table, owned, written } of counts) {
      this.#rulesOwned.set({ table, ip_family: family }, owned)
      this.#rulesWritten.set({ table, ip_family: family }, written)
    }
  }

  restoreFailed(family: IpFamily): void {
    this.#restoreFailures.inc({ ip_family: family })
  }

  probed(probe: 'healthz' | 'livez', status: number): void {
    this.#probes[probe].inc({ code: String(status) })
  }

  /** Prints each metric in a separate turn of the event loop, because all traffic waits during a turn. */
  async #render(): Promise<string> {
    const pending = this.#pending()
    this.#servicesPending.set(pending.services)
    this.#endpointsPending.set(pending.endpoints)
    this.#sourceAge.set(this.#sourceAgeMs() / 1000)
    for (const [part, healthy] of this.#health()) this.#healthyParts.set({ part }, healthy ? 1 : 0)
    const texts: string[] = []
    for (const { name } of this.#registry.getMetricsAsArray()) {
      texts.push(await this.#registry.getSingleMetricAsString(name))
      await nextTurn()
    }
    if (this.#dataPlane !== undefined) texts.push(...(await this.#renderDataPlane(await this.#dataPlane.counts())))
    return texts.join('\n') + '\n'
  }

  async #renderDataPlane(counts: DataPlaneCounts): Promise<string[]> {
    const texts: string[] = []
    for (const [{ name, read }, instrument] of this.#dataPlaneMetrics)
      texts.push(...(await this.#renderInParts(name, read(counts), instrument)))
    return texts
  }

  /** Printing many thousand series takes tens of milliseconds, so each turn prints some hundred. */
  async #renderInParts(name: string, samples: readonly Sample[], instrument: Counter | Gauge): Promise<string[]> {
    const parts: string[] = []
    for (let start = 0; start === 0 || start < samples.length; start += MAX_SERIES_PER_TURN) {
      instrument.reset()
      // Counters can only increase, so `inc` from zero sets the value.
      for (const { labels, value } of samples.slice(start, start + MAX_SERIES_PER_TURN)) instrument.inc(labels, value)
      const part = await this.#dataPlaneRegistry.getSingleMetricAsString(PREFIX + name)
      parts.push(start === 0 ? part : part.split('\n').slice(HEADER_LINES).join('\n'))
      await nextTurn()
    }
    instrument.reset()
    return parts
  }

  #counter(name: string, help: string, labels: readonly string[] = [], registry = this.#registry): Counter {
    return new Counter({ name: PREFIX + name, help, labelNames: [...labels], registers: [registry] })
  }

  #gauge(name: string, help: string, labels: readonly string[] = [], registry = this.#registry): Gauge {
    return new Gauge({ name: PREFIX + name, help, labelNames: [...labels], registers: [registry] })
  }

  #histogram(name: string, help: string, buckets: number[]): Histogram {
    return new Histogram({ name: PREFIX + name, help, labelNames: FAMILY_LABELS, buckets, registers: [this.#registry] })
  }
}

/** `count` numbers from `first`, `step` apart. */
function steps(first: number, step: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => first + step * i)
}
