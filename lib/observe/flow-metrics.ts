import { type IpFamily } from '../model/address.js'
import { FAMILY_LABELS, type MetricRegistry } from './metric-registry.js'
import { SYNC_BUCKETS } from './sync-metrics.js'

/** The metrics of the deletion of stale flows from the kernel's connection tracking, as in kube-proxy 1.36. */
export class FlowMetrics {
  readonly #durations
  readonly #deleted

  /** @param families those that the proxy serves; their series are there from the first scrape */
  constructor(registry: MetricRegistry, families: readonly IpFamily[]) {
    const name = 'kubeproxy_conntrack_reconciler'
    this.#durations = registry.histogram(
      `${name}_sync_duration_seconds`,
      'Duration of a search for stale flows, with their deletion',
      SYNC_BUCKETS,
      FAMILY_LABELS,
    )
    this.#deleted = registry.counter(`${name}_deleted_entries_total`, 'Stale flows that were deleted', FAMILY_LABELS)
    for (const ip_family of families) {
      this.#durations.zero({ ip_family })
      this.#deleted.inc({ ip_family }, 0)
    }
  }

  /** A search for stale flows begins. @returns a function for its end, which takes the number of flows that were deleted */
  startCleanup(family: IpFamily): (deleted: number) => void {
    const stopTimer = this.#durations.startTimer({ ip_family: family })
    return deleted => {
      stopTimer()
      this.#deleted.inc({ ip_family: family }, deleted)
    }
  }
}
