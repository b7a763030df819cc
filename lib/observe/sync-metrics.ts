import { type IpFamily } from '../model/address.js'
import { EMPTY_SNAPSHOT, type ServiceSnapshot } from '../model/snapshot.js'
import { withoutLocalEndpoints } from '../snapshot/without-local-endpoints.js'
import { FAMILY_LABELS, type MetricRegistry } from './metric-registry.js'
import { type RuleCounts, type SyncExtent, type SyncObserver } from './sync-observer.js'

/** The parts of `SyncMetrics`. */
export interface SyncMetricsOptions {
  readonly registry: MetricRegistry
  /** The families that the proxy serves. Their series are there from the first scrape. */
  readonly families: readonly IpFamily[]
  /** Changes that no sync has processed yet. */
  readonly pending: () => { readonly services: number; readonly endpoints: number }
  /** Milliseconds since 1970. */
  readonly startedAt: number
}

const PREFIX = 'kubeproxy_sync_proxy_rules_'
const RULE_LABELS = ['table', 'ip_family'] as const
const POLICY_LABELS = ['traffic_policy', 'ip_family'] as const

/** 1 ms … 16.384 s (kube-proxy 1.36). */
export const SYNC_BUCKETS = Array.from({ length: 15 }, (_, i) => 0.001 * 2 ** i)
/** 0, then 0.25 s … 5 min, with small steps around the scalability goal (kube-proxy 1.36). */
const PROGRAMMING_BUCKETS = [0, 0.25, 0.5, ...steps(1, 1, 59), ...steps(60, 5, 12), ...steps(120, 30, 7)]

/** The metrics of the sync loop, as in kube-proxy 1.36. */
export class SyncMetrics implements Omit<SyncObserver, 'planned'> {
  readonly #options: SyncMetricsOptions
  readonly #durations
  readonly #programmingDuration
  readonly #lastSync
  readonly #lastQueued
  readonly #serviceChanges
  readonly #endpointChanges
  readonly #servicesPending
  readonly #endpointsPending
  readonly #failures
  readonly #rulesOwned
  readonly #rulesWritten
  readonly #refusedPorts
  readonly #withoutLocalEndpoints
  #snapshot: ServiceSnapshot = EMPTY_SNAPSHOT

  constructor(options: SyncMetricsOptions) {
    this.#options = options
    const { registry, families } = options
    const duration = (name: string, help: string) =>
      registry.histogram(`kubeproxy_${name}_duration_seconds`, help, SYNC_BUCKETS, FAMILY_LABELS)
    const failures = (name: string, help: string) =>
      registry.counter(`${PREFIX}iptables_${name}failures_total`, help, FAMILY_LABELS)
    const timestamp = (name: string, help: string) =>
      registry.gauge(`${PREFIX}${name}_timestamp_seconds`, help, FAMILY_LABELS)
    this.#durations = {
      any: duration('sync_proxy_rules', 'Duration of a sync of rules'),
      full: duration(
        'sync_full_proxy_rules',
        'Duration of a sync that compares all rules of the proxy with those in the kernel',
      ),
      partial: duration('sync_partial_proxy_rules', 'Duration of a sync of changes only'),
    }
    this.#programmingDuration = registry.histogram(
      'kubeproxy_network_programming_duration_seconds',
      'Time from a change of a Pod or Service to the end of the sync with this change',
      PROGRAMMING_BUCKETS,
      FAMILY_LABELS,
    )
    this.#lastSync = timestamp('last', 'When rules were last synced')
    this.#lastQueued = timestamp('last_queued', 'When a sync of rules was last requested')
    this.#serviceChanges = registry.counter(`${PREFIX}service_changes_total`, 'Changes of Services')
    this.#endpointChanges = registry.counter(`${PREFIX}endpoint_changes_total`, 'Changes of endpoints')
    this.#servicesPending = registry.gauge(
      `${PREFIX}service_changes_pending`,
      'Changes of Services that no sync has processed yet',
    )
    this.#endpointsPending = registry.gauge(
      `${PREFIX}endpoint_changes_pending`,
      'Changes of endpoints that no sync has processed yet',
    )
    this.#failures = {
      any: failures('restore_', 'Failed writes of iptables rules'),
      partial: failures('partial_restore_', 'Failed writes of iptables rules that contained changes only'),
    }
    this.#rulesOwned = registry.gauge(
      `${PREFIX}iptables_total`,
      'Number of iptables rules that this proxy owns',
      RULE_LABELS,
    )
    this.#rulesWritten = registry.gauge(`${PREFIX}iptables_last`, 'iptables rules in the last write', RULE_LABELS)
    this.#refusedPorts = registry.gauge(
      `${PREFIX}refused_service_ports`,
      'Service ports that are not served because the kernel refuses their rules, by cause; in ipvs mode, virtual servers and entries of sets that it refuses',
      ['ip_family', 'cause'],
    )
    this.#withoutLocalEndpoints = registry.gauge(
      `${PREFIX}no_local_endpoints_total`,
      'Number of Service ports with a traffic policy Local whose endpoints are all on other nodes',
      POLICY_LABELS,
    )
    // A dashboard takes its list of nodes from one of these, and Prometheus sees the first failure as an increase from 0.
    for (const ip_family of families) {
      for (const histogram of [...Object.values(this.#durations), this.#programmingDuration])
        histogram.zero({ ip_family })
      for (const counter of Object.values(this.#failures)) counter.inc({ ip_family }, 0)
    }
  }

  queued(family: IpFamily, at: number): void {
    this.#lastQueued.set({ ip_family: family }, at / 1000)
  }

  changed(services: number, endpoints: number): void {
    this.#serviceChanges.inc(services)
    this.#endpointChanges.inc(endpoints)
  }

  synced(family: IpFamily, at: number, durationMs: number, triggerTimes: readonly number[], extent: SyncExtent): void {
    const labels = { ip_family: family }
    for (const histogram of [this.#durations.any, this.#durations[extent]]) histogram.observe(labels, durationMs / 1000)
    this.#lastSync.set(labels, at / 1000)
    for (const trigger of triggerTimes) {
      // Changes from before the start waited for this process to start.
      if (trigger > this.#options.startedAt) this.#programmingDuration.observe(labels, Math.max(0, at - trigger) / 1000)
    }
  }

  rulesWritten(family: IpFamily, counts: readonly RuleCounts[]): void {
    for (const { table, owned, written } of counts) {
      this.#rulesOwned.set({ table, ip_family: family }, owned)
      this.#rulesWritten.set({ table, ip_family: family }, written)
    }
  }

  refused(family: IpFamily, counts: Readonly<Record<string, number>>): void {
    for (const [cause, count] of Object.entries(counts)) this.#refusedPorts.set({ ip_family: family, cause }, count)
  }

  restoreFailed(family: IpFamily, extent: SyncExtent): void {
    this.#failures.any.inc({ ip_family: family })
    if (extent === 'partial') this.#failures.partial.inc({ ip_family: family })
  }

  /** Sets what the proxier serves now. */
  applied(snapshot: ServiceSnapshot): void {
    this.#snapshot = snapshot
  }

  /** Sets the values that are only computed for a scrape. */
  refresh(): void {
    const { services, endpoints } = this.#options.pending()
    this.#servicesPending.set(services)
    this.#endpointsPending.set(endpoints)
    for (const family of this.#options.families) {
      const { internal, external } = withoutLocalEndpoints(this.#snapshot, family)
      this.#withoutLocalEndpoints.set({ traffic_policy: 'internal', ip_family: family }, internal)
      this.#withoutLocalEndpoints.set({ traffic_policy: 'external', ip_family: family }, external)
    }
  }
}

/** `count` numbers from `first`, `step` apart. */
function steps(first: number, step: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => first + step * i)
}
