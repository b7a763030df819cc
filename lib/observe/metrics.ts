import { setImmediate as nextTurn } from 'node:timers/promises'
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import { type DataPlane, type DataPlaneCounts } from '../dataplane/data-plane.js'
import { type IpFamily } from '../model/address.js'
import { DATA_PLANE_METRICS, type Sample } from './data-plane-metrics.js'
import { type ProbeObserver } from './health-server.js'
import { type RuleCounts, type SyncObserver } from './sync-observer.js'

/** Which of the modes that were asked for is in use, and why those that were preferred to it are not. */
export interface ModeInUse {
  readonly mode: string
  readonly rejected: readonly { readonly mode: string; readonly reason: string }[]
}

/** The sources of the values that `Metrics` shows. */
export interface MetricsOptions {
  /** Undefined: the kernel carries the traffic, and counts nothing for us. */
  readonly dataPlane: Pick<DataPlane, 'counts'> | undefined
  readonly mode: ModeInUse
  /** Changes that no sync has taken up yet. */
  readonly pending: () => { readonly services: number; readonly endpoints: number }
  /** Milliseconds since 1970. */
  readonly startedAt: number
  /** Of this program. */
  readonly version: string
}

const PREFIX = 'kubeproxy_'

/** `# HELP` and `# TYPE`, which a metric may have only once. */
const HEADER_LINES = 2
const MAX_SERIES_PER_TURN = 500

const FAMILY_LABELS = ['ip_family']
const RULE_LABELS = ['table', 'ip_family']

/** 1 ms … 16.384 s (kube-proxy 1.36). */
const SYNC_BUCKETS = Array.from({ length: 15 }, (_, i) => 0.001 * 2 ** i)
/** 0.25 s … 5 min, fine where the scalability goal lies (kube-proxy 1.36). */
const PROGRAMMING_BUCKETS = [0.25, 0.5, ...steps(1, 1, 59), ...steps(60, 5, 12), ...steps(120, 30, 7)]

/**
 * Everything that Prometheus can read: kube-proxy's own metrics by their names (1.36, `kubeproxy_…`), ours of the
 * userspace data plane (`kubeproxy_userspace_…`), and those of the process.
 *
 * Nothing here is touched per connection or per byte. The data plane counts in plain numbers, and a scrape reads them; a
 * Service port that is gone then takes its series along, and one that comes back starts at zero, which Prometheus knows
 * as a restart of the counter.
 */
export class Metrics implements SyncObserver, ProbeObserver {
  readonly #registry = new Registry()
  /** Of the metrics that only get their values while they are printed. */
  readonly #dataPlaneRegistry = new Registry()
  readonly #startedAt: number
  readonly #dataPlane: MetricsOptions['dataPlane']
  readonly #pending: MetricsOptions['pending']
  #scrape: Promise<string> | undefined

  readonly #syncDuration = this.#histogram(
    'sync_proxy_rules_duration_seconds',
    'Time a sync of rules took',
    SYNC_BUCKETS,
  )
  readonly #lastSync = this.#gauge(
    'sync_proxy_rules_last_timestamp_seconds',
    'When rules were last synced',
    FAMILY_LABELS,
  )
  readonly #lastQueued = this.#gauge(
    'sync_proxy_rules_last_queued_timestamp_seconds',
    'When a sync of rules was last asked for',
    FAMILY_LABELS,
  )
  readonly #programmingDuration = this.#histogram(
    'network_programming_duration_seconds',
    'Time from a change of a Pod or Service to the end of the sync that carried it',
    PROGRAMMING_BUCKETS,
  )
  readonly #serviceChanges = this.#counter('sync_proxy_rules_service_changes_total', 'Changes of Services')
  readonly #endpointChanges = this.#counter('sync_proxy_rules_endpoint_changes_total', 'Changes of endpoints')
  readonly #servicesPending = this.#gauge(
    'sync_proxy_rules_service_changes_pending',
    'Changes of Services not taken up yet',
  )
  readonly #endpointsPending = this.#gauge(
    'sync_proxy_rules_endpoint_changes_pending',
    'Changes of endpoints not taken up yet',
  )
  readonly #restoreFailures = this.#counter(
    'sync_proxy_rules_iptables_restore_failures_total',
    'Failed writes of iptables rules',
    FAMILY_LABELS,
  )
  readonly #rulesOwned = this.#gauge('sync_proxy_rules_iptables_total', 'iptables rules that are ours', RULE_LABELS)
  readonly #rulesWritten = this.#gauge(
    'sync_proxy_rules_iptables_last',
    'iptables rules in the last write',
    RULE_LABELS,
  )
  readonly #probes = {
    healthz: this.#counter('proxy_healthz_total', 'Answers of /healthz by HTTP status', ['code']),
    livez: this.#counter('proxy_livez_total', 'Answers of /livez by HTTP status', ['code']),
  }

  readonly #dataPlaneMetrics = DATA_PLANE_METRICS.map(metric => {
    const { type, name, help, labels } = metric
    const registry = this.#dataPlaneRegistry
    const shown =
      type === 'counter' ? this.#counter(name, help, labels, registry) : this.#gauge(name, help, labels, registry)
    return [metric, shown] as const
  })

  constructor({ dataPlane, mode, pending, startedAt, version }: MetricsOptions) {
    this.#dataPlane = dataPlane
    this.#pending = pending
    this.#startedAt = startedAt
    for (const code of ['200', '503']) for (const probe of Object.values(this.#probes)) probe.inc({ code }, 0)
    // Not kubernetes_build_info: monitoring compares its git_version between components and would warn of a mismatch.
    this.#gauge('build_info', 'Version of this program', ['version', 'node_version', 'platform']).set(
      { version, node_version: process.version, platform: `${process.platform}/${process.arch}` },
      1,
    )
    const modes = this.#gauge('proxy_mode', 'The mode in use is 1; 0: preferred to it, and why not', ['mode', 'reason'])
    modes.set({ mode: mode.mode, reason: '' }, 1)
    for (const { mode: name, reason } of mode.rejected) modes.set({ mode: name, reason }, 0)
    collectDefaultMetrics({ register: this.#registry })
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  /** All metrics in Prometheus' text form. Scrapes that overlap share one answer. */
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
    // Shows the failures as 0 from the first sync on, so that the first failure is seen as an increase.
    this.#restoreFailures.inc(labels, 0)
    for (const trigger of triggerTimes) {
      // Changes from before the start waited for this process, not for its work.
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

  /** Each metric in a turn of its own: all traffic waits for the event loop, so none of the pauses may be long. */
  async #render(): Promise<string> {
    const pending = this.#pending()
    this.#servicesPending.set(pending.services)
    this.#endpointsPending.set(pending.endpoints)
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
    for (const [{ name, read }, shown] of this.#dataPlaneMetrics)
      texts.push(...(await this.#renderInParts(name, read(counts), shown)))
    return texts
  }

  /** A metric of many thousand series takes tens of milliseconds to print: some hundred of them at a time. */
  async #renderInParts(name: string, samples: readonly Sample[], shown: Counter | Gauge): Promise<string[]> {
    const parts: string[] = []
    for (let start = 0; start === 0 || start < samples.length; start += MAX_SERIES_PER_TURN) {
      shown.reset()
      // `inc` from zero sets the value, and counters have nothing else.
      for (const { labels, value } of samples.slice(start, start + MAX_SERIES_PER_TURN)) shown.inc(labels, value)
      const part = await this.#dataPlaneRegistry.getSingleMetricAsString(PREFIX + name)
      parts.push(start === 0 ? part : part.split('\n').slice(HEADER_LINES).join('\n'))
      await nextTurn()
    }
    shown.reset()
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
