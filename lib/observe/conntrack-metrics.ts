import { type ConntrackUsage, readConntrackUsage } from '../system/conntrack-usage.js'
import { type MetricRegistry } from './metric-registry.js'

/** How full the kernel's connection tracking is. When it is full, the kernel drops packets of new connections, in every mode. */
export class ConntrackMetrics {
  readonly #entries
  readonly #limit
  readonly #read: () => ConntrackUsage | undefined

  constructor(registry: MetricRegistry, read: () => ConntrackUsage | undefined = readConntrackUsage) {
    this.#read = read
    this.#entries = registry.gauge('kubeproxy_conntrack_entries', "Entries in the kernel's connection tracking")
    this.#limit = registry.gauge(
      'kubeproxy_conntrack_entries_limit',
      "Most entries that the kernel's connection tracking may have",
    )
  }

  /** Reads what is in use now. A kernel without connection tracking has no series. */
  refresh(): void {
    const usage = this.#read()
    for (const [gauge, value] of [
      [this.#entries, usage?.entries],
      [this.#limit, usage?.limit],
    ] as const)
      if (value === undefined) gauge.remove()
      else gauge.set(value)
  }
}
